"""Files that several tasks read: a user's own table, a library's tables, images in idx format."""
