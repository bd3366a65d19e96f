"""OpenStack Swift and Rackspace Cloud Files."""
