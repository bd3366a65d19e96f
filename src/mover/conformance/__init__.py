"""What every connector must do, as checks that need no test runner."""
