"""What a client may send: RFC 6455 and RFC 7692 as websockets implements them, and the checks it omits.

No I/O in here.
"""

from __future__ import annotations

import codecs
from collections.abc import Generator, Sequence
from http import HTTPStatus
from typing import Any

from websockets.exceptions import ProtocolError
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import Protocol, State
from websockets.server import ServerProtocol

from realtime.delivery.prepared import WINDOW_BITS
from realtime.metrics import names
from realtime.protocol.closing import CLOSE_REASONS
from realtime.protocol.encodings import Encoding, content
from realtime.protocol.events import Error

TOO_BIG_CODE = "message-too-big"
_TOO_BIG = Error(message="The message is too long to be answered: send a large change over REST.", code=TOO_BIG_CODE)
TOO_BIG = {encoding: content(_TOO_BIG, encoding) for encoding in Encoding}
"""The last words to the sender of a message that is not even read, by the encoding of the connection."""

_PADDING = 1
"""The octet that follows a final block, RFC 7692, section 7.2.3.4."""

_DATA = frozenset((Opcode.TEXT, Opcode.BINARY, Opcode.CONT))

_text_decoder = codecs.getincrementaldecoder("utf-8")


class PortalServerProtocol(ServerProtocol):
    """The server's side of one connection."""

    _pieces: list[str] | bytearray | None = None
    """The message that is being read: the complete part of its text, or its octets."""
    _decoder: codecs.IncrementalDecoder | None = None
    """The decoder of that message, if it is text."""
    encoding = Encoding.JSON
    """How messages are encoded."""
    frames_read = 0
    """The number of frames that the client has sent."""
    octets_read = 0
    """The size of their content, without compression."""

    def parse(self) -> Generator[None]:
        """Read frames; the HTTP server has read the request (`realtime.server.websocket.upgrade`)."""
        return Protocol.parse(self)

    def accept(self, request: Request) -> Response:
        """The answer to a handshake; a client with another version is told ours (RFC 6455, section 4.4)."""
        response = super().accept(request)
        if response.status_code == HTTPStatus.BAD_REQUEST:
            response.headers["Sec-WebSocket-Version"] = "13"
        return response

    def fail(self, code: CloseCode | int, reason: str = "") -> None:
        """Fail the connection (RFC 6455, section 7.1.7).

        First send an error of our protocol, with its code as the reason.
        """
        if code == CloseCode.MESSAGE_TOO_BIG and self.state is State.OPEN:
            names.REFUSALS.add(TOO_BIG_CODE)
            send = self.send_text if self.encoding.is_text else self.send_binary
            send(TOO_BIG[self.encoding])
        super().fail(code, CLOSE_REASONS.get(int(code), reason))

    def recv_frame(self, frame: Frame) -> None:
        """Handle a frame. For the frames of a message, the event received is the whole message, as text or octets.

        Adds a check that websockets lacks: text must be UTF-8 (RFC 6455, section 8.1). It fails at the first wrong
        octet.
        """
        self.frames_read += 1
        self.octets_read += len(frame.data)
        if frame.opcode is Opcode.CLOSE:
            # A control frame may come between the fragments of a message (section 5.4), and this is one.
            self.current_size = None
        super().recv_frame(frame)
        if frame.opcode in _DATA:
            self.events.pop()
            self._take_data(frame)

    def _take_data(self, frame: Frame) -> None:
        """Add the frame to its message, in one buffer: a message may have any number of fragments, also empty ones."""
        if frame.opcode is Opcode.TEXT and frame.fin:
            whole: Any = str(frame.data, "utf-8")
            self.events.append(whole)
            return
        if frame.opcode is Opcode.BINARY and frame.fin:
            whole = bytes(frame.data)
            self.events.append(whole)
            return
        if frame.opcode is Opcode.TEXT:
            self._decoder, self._pieces = _text_decoder(), []
        elif frame.opcode is Opcode.BINARY:
            self._decoder, self._pieces = None, bytearray()
        pieces: Any = self._pieces
        if self._decoder is None:
            pieces += frame.data
        elif piece := self._decoder.decode(bytes(frame.data), frame.fin):
            pieces.append(piece)
        if frame.fin:
            message: Any = bytes(pieces) if self._decoder is None else "".join(pieces)
            self.events.append(message)
            self._decoder = self._pieces = None


class Deflate(PerMessageDeflate):
    """The permessage-deflate of one connection."""

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """A frame without its compression; ProtocolError if a message continues after the end of its compressed data.

        zlib would keep all data after the end, and copy it for each fragment, and no limit counts data without content.
        """
        decoded = super().decode(frame, max_size=max_size)
        if self.decode_cont_data and len(self.decoder.unused_data) > _PADDING:
            raise ProtocolError("data behind the final block")
        return decoded


class DeflateFactory(ServerPerMessageDeflateFactory):
    """Negotiates permessage-deflate for frames that are the same for all (`realtime.delivery.prepared`)."""

    def __init__(self) -> None:
        super().__init__(
            server_no_context_takeover=True,
            client_no_context_takeover=True,
            server_max_window_bits=WINDOW_BITS,
            client_max_window_bits=WINDOW_BITS,
        )

    def process_request_params(self, params: Sequence[Any], accepted_extensions: Sequence[Any]) -> tuple[Any, Deflate]:
        """The answer to an offer, and the agreed parameters; NegotiationError declines the offer."""
        answer, agreed = super().process_request_params(params, accepted_extensions)
        return answer, Deflate(
            agreed.remote_no_context_takeover,
            agreed.local_no_context_takeover,
            agreed.remote_max_window_bits,
            agreed.local_max_window_bits,
        )


deflate = DeflateFactory()
