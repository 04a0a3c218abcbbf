"""The Java classes that the embedded lake is written by (湖表落盘), and the JAR made of them."""
