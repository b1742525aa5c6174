; Names are attributes, which only other languages tell apart.
