"""The exchange service (交换服务): published tables over the Delta Sharing protocol, to whom they are granted."""
