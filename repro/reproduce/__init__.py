"""The verb `reproduce`: an estimate before, a live table during, a summary after."""
