"""The platforms' own sheets, and sheets of chats, made into landing files: `kefu import`."""
