"""Bronze → silver (标准化): one conformed table per dataset; rows that fail are set aside with every reason at once."""
