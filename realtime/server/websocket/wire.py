"""What a client may send: RFC 6455 and RFC 7692 as websockets reads them, and what it leaves open. No I/O in here."""

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
from realtime.protocol.closing import CLOSE_REASONS
from realtime.protocol.encodings import encode
from realtime.protocol.events import Error

TOO_BIG = encode(Error(message="The message is too long.", code="message-too-big")).encode()

_PADDING = 1
"""The octet that follows a final block, RFC 7692, section 7.2.3.4."""

_DATA = frozenset((Opcode.TEXT, Opcode.BINARY, Opcode.CONT))

_text_decoder = codecs.getincrementaldecoder("utf-8")


class PortalServerProtocol(ServerProtocol):
    """The server's side of one connection."""

    _pieces: list[str] | bytearray | None = None
    """Of the message that is being read: its text, as far as it is complete, or its octets."""
    _decoder: codecs.IncrementalDecoder | None = None
    """Of that message, if it is text."""
    frames_read = 0
    """How many frames the client has sent."""
    octets_read = 0
    """And what they held, without compression."""

    def parse(self) -> Generator[None]:
        """Read frames: the request was read by the HTTP server (`realtime.server.websocket.upgrade`)."""
        return Protocol.parse(self)

    def accept(self, request: Request) -> Response:
        """The answer to a handshake; whoever speaks another version is told ours (RFC 6455, section 4.4)."""
        response = super().accept(request)
        if response.status_code == HTTPStatus.BAD_REQUEST:
            response.headers["Sec-WebSocket-Version"] = "13"
        return response

    def fail(self, code: CloseCode | int, reason: str = "") -> None:
        """RFC 6455, section 7.1.7; first say why in the words of the protocol, with the error's code as the reason."""
        if code == CloseCode.MESSAGE_TOO_BIG and self.state is State.OPEN:
            self.send_text(TOO_BIG)
        super().fail(code, CLOSE_REASONS.get(int(code), reason))

    def recv_frame(self, frame: Frame) -> None:
        """Take a frame; of those that carry a message, the message is what is received, as text or octets.

        What websockets does not check is checked: text is UTF-8 (RFC 6455, section 8.1), from the first octet that is
        not.
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
        """Add the frame to its message, in one buffer: it may have any number of fragments, empty ones too."""
        if frame.opcode is Opcode.TEXT and frame.fin:
            whole: Any = str(frame.data, "utf-8")
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
    """permessage-deflate of one connection."""

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """A frame without its compression; ProtocolError if a message goes on behind the end of its compressed data.

        zlib would keep all that comes there, and copy it for each fragment; no limit counts what says nothing.
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
        """The answer to an offer, and what both have agreed on; NegotiationError declines the offer."""
        answer, agreed = super().process_request_params(params, accepted_extensions)
        return answer, Deflate(
            agreed.remote_no_context_takeover,
            agreed.local_no_context_takeover,
            agreed.remote_max_window_bits,
            agreed.local_max_window_bits,
        )


deflate = DeflateFactory()
