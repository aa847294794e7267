// What promises reject with: the server's code and sentence, or one of the client's own codes.
export class PortalError extends Error {
  constructor(code, message, { details, retryAfter } = {}) {
    super(message);
    this.name = "PortalError";
    this.code = code;
    this.details = details;
    this.retryAfter = retryAfter;
  }
}
