"""What a runner gives up before it begins: whoever takes it over through a hostile server's answer finds little else to take."""
