/** The value as MessagePack. */
export function encode(value: unknown): Uint8Array;

/** The value in an ArrayBuffer; throws an Error if it is not MessagePack, or says what JSON cannot. */
export function decode(buffer: ArrayBuffer): any;
