"""What the control plane and the runners say to each other: plain messages, no behaviour."""
