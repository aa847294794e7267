"""The pages for people: log-in and account, invitations, and what guests and screens watch."""
