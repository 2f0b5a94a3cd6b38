"""What is offered where: targets, patterns, routes and the service that owns them."""
