"""The refusals of the server in words for pages: by sentence, and by code for those that have no words of their own.

The services, REST and sockets say them in English. What stands in braces there is a number or a name.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

SENTENCES = (
    _("This is not your password."),
    _("There is no such person."),
    _("The password was changed by another request at the same moment: log in again."),
    _("Your libraries have changed just now: try again."),
    _("You are the last owner of these libraries: make another member an owner of each, or delete it."),
    _("The library can only be handed to another of its members who can log in."),
    _("This session has ended, or the account is switched off: log in again."),
    _("There is an account with this e-mail address already; log in instead."),
    _("Already in use."),
    _("This link is not good any more, or was cut when it was copied: ask for a new one."),
    _("Not good any more."),
    _("Several mails were sent to you already: look for them, or try again later."),
    _("Too much mail was asked for from your network: try again in {wait} seconds."),
    _("Too many failed log-ins: try again in {wait} seconds."),
    _("Too many log-ins from your network: try again in {wait} seconds."),
    _(
        "Use only the letters a to z, digits and signs, without quotes and brackets; write a domain that has other "
        "letters in its xn-- form."
    ),
    _("Must not have control characters or marks that turn the direction of text."),
    _("Must have something in it that can be seen."),
    _("A name may have at most {most} characters."),
    _("Must be text of 1 to {most} characters."),
    _("This is required."),
    _("A library needs an owner: make somebody else an owner first."),
    _("Nobody has this e-mail address here; ask them to register first."),
    _("{email} is a member already; change the role instead."),
    _("Unknown."),
    _("Already a member."),
    _("There is no such library."),
    _("Only an owner of the library may do this."),
    _("Only an owner of the library may change what it discloses."),
    _("This person is not a member of the library."),
    _("You may look at this, but only owners and editors may change it."),
    _(
        "This invitation is not good any more: it was used or withdrawn, it is older than a week, or its link was cut"
        " when it was copied. If you used it yourself, the library is in your list; if not, ask an owner for a new "
        "one."
    ),
    _(
        "Verify your e-mail address first, so that nobody else takes what was sent to it. An invitation's link works "
        "without that."
    ),
    _("You had many invitations mailed: try again in {wait} seconds, or invite without an address and copy the link."),
    _("The library has {count} open invitations, and no more are possible: withdraw some."),
    _("There is no such invitation; perhaps it was withdrawn already."),
    _("Somebody has accepted this invitation: remove the member instead."),
    _("You are a member of this library already; an owner can change your role."),
    _("A portal view needs a name."),
    _("There is no such portal view."),
    _("The portal view is gone."),
    _("The portal view has changed; read it again before you delete it."),
    _("The portal view has changed: its version is {version} now. Read it again."),
    _("The portal view has {count} items; at most {most} are possible."),
    _("The portal view would be {size} bytes long; at most {most} are possible."),
    _("There is no item “{item}”."),
    _("The library has {used} portal views, and {limit} are possible: delete one of them first."),
    _("The library has {used} members, and {limit} are possible: remove somebody first."),
    _("This person owns {used} libraries, and {limit} are possible: they must leave or delete one first."),
    _(
        "the library's portal views would have {used} bytes together, and {limit} are possible. Make this one "
        "shorter, or delete another."
    ),
    _("The library has {used} pictures, and {limit} are possible: delete some first, such as unused ones."),
    _(
        "the library's pictures would have {used} bytes together, and {limit} are possible. Delete some first, such "
        "as the unused ones."
    ),
    _("There is no such picture."),
    _("The file has {count} pages, and one picture can take the place of another."),
    _("The pictures of this file have just been deleted: upload it again."),
    _("The picture has just been replaced by another: upload yours again."),
    _(
        "Items of {count} portal view(s) show “{name}”. Take it out of them, or delete it with ?used=delete: they "
        "then show nothing in its place."
    ),
    _("The file is too long: at most {most} bytes are possible."),
    _("The server has no room left for pictures; nothing was stored. Tell whoever runs it."),
    _("The file is no picture that is possible here. Use JPEG, PNG, WebP, GIF, AVIF, HEIC or PDF."),
    _("SVG is not possible, because it is a program as well as a picture. Save the picture as PNG or WebP."),
    _("The file is empty."),
    _("The file is broken or incomplete. Save the picture again, and send it again."),
    _("The picture is too large: {count} pixels, and at most {most} are possible. Make it smaller."),
    _("The animation has too many frames: at most {most} are possible."),
    _("The animation is too large: {count} pixels in all its frames, and at most {most} are possible."),
    _("The PDF has {count} pages, and at most {most} are possible. Split it."),
    _("The PDF can only be read with a password. Save it without one."),
    _("The picture needs too much memory. Make it smaller, or save it as PNG or JPEG."),
    _("The picture takes too long to read. Make it smaller, or save it as PNG or JPEG."),
    _("What was made of the picture is too long for a file. Make the picture smaller."),
    _("The picture could not be read: it is broken, or needs too much memory. Save it as PNG or JPEG."),
    _("The server cannot read pictures at this moment. Try again later."),
    _("The server stopped reading the picture. Try again later."),
    _("A code has six characters: letters, and the digits from 2 to 9."),
    _("There is no such code, or it has expired: look at it again, or ask for a new one."),
    _("Too many wrong codes: try again in {wait} seconds."),
    _("Too many screens ask for a code: try again in {wait} seconds."),
    _("Too many screens wait at this moment: try again in a minute."),
    _("This screen has waited for too long: load the page again."),
    _("You cannot disconnect yourself: close the page instead."),
    _("Only an owner may disconnect an owner."),
    _("The link would have expired already."),
    _("Must be in the future."),
    _("There is no such share link."),
    _("The portal view has {count} links: withdraw one of them first."),
    _("Too many tickets wait: use them, or wait {wait} seconds."),
    _("The database is away; try again in a moment."),
    _("The server has more to do than it can: try again in a moment."),
)
"""What services say, without `Nothing was changed:` and the name of a value before it."""

CODES = {
    "already-applied": _("That is stored already."),
    "invalid-payload": _("Something in it is not possible: look at it again."),
    "image-invalid": _("The file is no picture that is possible here."),
    "not-authenticated": _("You are logged out: log in again."),
    "token-expired": _("You are logged out: log in again."),
    "token-invalid": _("You are logged out: log in again."),
    "session-ended": _("You are logged out: log in again."),
    "user-unavailable": _("You are logged out: log in again."),
    "credential-missing": _("You are logged out: log in again."),
    "ticket-invalid": _("You are logged out: log in again."),
    "forbidden": _("You are not allowed to do that."),
    "not-found": _("It is not there any more, or you may not see it."),
    "method-not-allowed": _("This page is too old: load it again."),
    "unsupported-media-type": _("This page is too old: load it again."),
    "gone": _("This page is too old: load it again."),
    "unknown-type": _("This page is too old: load it again."),
    "invalid-json": _("This page is too old: load it again."),
    "invalid-msgpack": _("This page is too old: load it again."),
    "invalid-message": _("This page is too old: load it again."),
    "portal-view-id-missing": _("This page is too old: load it again."),
    "socketio-not-supported": _("This page is too old: load it again."),
    "binary-not-supported": _("This page is too old: load it again."),
    "text-not-supported": _("This page is too old: load it again."),
    "conflict": _("That does not fit to what is there now: load the page again."),
    "version-conflict": _("That does not fit to what is there now: load the page again."),
    "quota-exceeded": _("There is no room left: delete something first."),
    "last-owner": _("A library needs an owner: make somebody else an owner first."),
    "image-in-use": _("Items show this picture: take it out of them first."),
    "share-invalid": _("There is no such link."),
    "link-withdrawn": _("This link was withdrawn."),
    "link-expired": _("This link has expired."),
    "link-full": _("All places are taken."),
    "portal-view-full": _("All places are taken."),
    "too-many-connections": _("You watch this in too many windows."),
    "guest-name-invalid": _("That name is not possible: choose another."),
    "no-access": _("You are not a member of the library any more."),
    "access-withdrawn": _("You are not a member of the library any more."),
    "portal-view-deleted": _("The portal view was deleted."),
    "origin-not-allowed": _("This page cannot watch from here."),
    "host-not-allowed": _("This page cannot watch from here."),
    "https-required": _("This page is only safe with https."),
    "disconnected": _("You were disconnected for a while."),
    "too-slow": _("Your connection is too slow at this moment."),
    "no-answer": _("Your connection is too slow at this moment."),
    "rate-limited": _("That was too much at once: try again in a moment."),
    "throttled": _("That was too much at once: try again in a moment."),
    "too-large": _("That is too long to be sent: make it shorter."),
    "message-too-big": _("That is too long to be sent: make it shorter."),
    "unavailable": _("The server is busy: try again in a moment."),
    "going-away": _("The server is busy: try again in a moment."),
    "internal-error": _("Something went wrong on our side: try again later."),
    "storage-full": _("The server has no room left for pictures; nothing was stored. Tell whoever runs it."),
}
"""For each code of REST and of sockets."""

ABOUT_MESSAGES = (
    *("method-not-allowed", "unsupported-media-type", "gone", "unknown-type", "invalid-json", "invalid-msgpack"),
    *("invalid-message", "portal-view-id-missing", "binary-not-supported", "text-not-supported", "message-too-big"),
)
"""The codes whose sentences are for whoever writes a client: in English, too, people read those above instead."""

OWN_CODES = {
    "queue-full": _("Too many changes wait for the connection."),
    "unknown-outcome": _("The connection was lost meanwhile: look whether it is there."),
    "not-connected": _("There is no connection."),
    "connection-lost": _("The connection was lost."),
    "closed": _("There is no connection."),
}
"""For the codes that the client in the page makes itself."""
