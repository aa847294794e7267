"""The tables of expected answers. A row that is missing, or one too many, fails `test_access_matrix`.

A cell is a status. After the last bar are the models that change on success. In an address, `{self}` is the asker and
`{other}` another viewer of the library; after `#` is the action of a list.
"""

from __future__ import annotations

from dataclasses import dataclass

REST = """
method | address                                  | owner editor viewer stranger nobody former off staff all super | changes
GET    | /socket.io/                              | 400   400    400    400      400    400    400 400   400 400   |
GET    | /ws/portal-view/{view}                   | 426   426    426    426      426    426    426 426   426 426   |
GET    | /api/health                              | 200   200    200    200      200    200    200 200   200 200   |
GET    | /api/health/ready                        | 200   200    200    200      200    200    200 200   200 200   |
GET    | /api/schema                              | 200   200    200    200      200    200    200 200   200 200   |
GET    | /api/docs                                | 200   200    200    200      200    200    200 200   200 200   |
GET    | /api/nothing                             | 404   404    404    404      404    404    404 404   404 404   |
POST   | /api/auth/register                       | 201   201    201    201      201    201    201 201   201 201   | User
POST   | /api/auth/token                          | 200   200    200    200      401    200    401 200   200 200   | Session
POST   | /api/auth/token/refresh                  | 200   200    200    200      401    200    401 200   200 200   | Session
GET    | /api/auth/me                             | 200   200    200    200      401    200    401 200   200 200   |
PATCH  | /api/auth/me                             | 200   200    200    200      401    200    401 200   200 200   | User
POST   | /api/auth/logout                         | 204   204    204    204      401    204    401 204   204 204   | Revocation
POST   | /api/auth/logout-everywhere              | 204   204    204    204      401    204    401 204   204 204   | User Revocation
POST   | /api/auth/password                       | 200   200    200    200      401    200    401 200   200 200   | User Session Revocation
POST   | /api/auth/password/reset                 | 202   202    202    202      202    202    202 202   202 202   |
POST   | /api/auth/password/reset/confirm         | 204   204    204    204      400    204    400 204   204 204   | User Revocation
POST   | /api/auth/verify                         | 204   204    204    204      400    204    400 204   204 204   | User
POST   | /api/auth/verify/send                    | 202   202    202    202      401    202    401 202   202 202   |
GET    | /api/auth/me/export                      | 200   200    200    200      401    200    401 200   200 200   |
DELETE | /api/auth/me                             | 409   204    204    400      401    400    401 400   400 400   | User Membership Revocation
DELETE | /api/auth/me?of=others                   | 400   400    400    204      401    204    401 204   204 204   | User Revocation
POST   | /api/auth/guest-cookie                   | 204   204    204    204      204    204    204 204   204 204   |
GET    | /api/disclosure-presets                  | 200   200    200    200      401    200    401 200   200 200   |
GET    | /api/libraries                           | 200   200    200    200      401    200    401 200   200 200   |
POST   | /api/libraries                           | 201   201    201    201      401    201    401 201   201 201   | Library Membership
GET    | /api/libraries/{library}                 | 200   200    200    404      401    404    401 404   404 404   |
PATCH  | /api/libraries/{library}                 | 200   200    403    404      401    404    401 404   404 404   | Library
PUT    | /api/libraries/{library}                 | 200   200    403    404      401    404    401 404   404 404   | Library
DELETE | /api/libraries/{library}                 | 204   403    403    404      401    404    401 404   404 404   | Image Invitation Library Membership PortalView ShareLink
GET    | /api/libraries/{library}/members         | 200   200    200    404      401    404    401 404   404 404   |
POST   | /api/libraries/{library}/members         | 410   410    410    410      401    410    401 410   410 410   |
PATCH  | /api/libraries/{library}/members/{other} | 200   403    403    404      401    404    401 404   404 404   | Library Membership
DELETE | /api/libraries/{library}/members/{other} | 204   403    403    404      401    404    401 404   404 404   | Library Membership
PATCH  | /api/libraries/{library}/members/{self}  | 200   403    403    404      401    404    401 404   404 404   |
DELETE | /api/libraries/{library}/members/{self}  | 409   204    204    404      401    404    401 404   404 404   | Library Membership
GET    | /api/libraries/{library}/invitations     | 200   403    403    404      401    404    401 404   404 404   |
POST   | /api/libraries/{library}/invitations     | 201   403    403    404      401    404    401 404   404 404   | Invitation
DELETE | /api/libraries/{library}/invitations/{invitation} | 204   403    403    404      401    404    401 404   404 404   | Invitation
POST   | /api/invitations/look                    | 200   200    200    200      200    200    200 200   200 200   |
POST   | /api/invitations/accept                  | 409   409    409    200      401    200    401 200   200 200   | Invitation Library Membership
GET    | /api/invitations                         | 403   403    403    403      401    403    401 403   403 403   |
POST   | /api/invitations/{invitation}/accept     | 403   403    403    403      401    403    401 403   403 403   |
POST   | /api/invitations/{invitation}/accept?as=verified | 409   409    409    200      401    200    401 200   200 200   | Invitation Library Membership
POST   | /api/invitations/{invitation}/accept?as=other | 404   404    404    404      401    404    401 404   404 404   |
GET    | /api/libraries/{library}/images          | 200   200    403    404      401    404    401 404   404 404   |
POST   | /api/libraries/{library}/images          | 201   201    403    404      401    404    401 404   404 404   | Image
DELETE | /api/libraries/{library}/images?unused=true&olderThanMinutes=0 | 200   200    403    404      401    404    401 404   404 404   | Image
GET    | /api/libraries/{library}/images/{image}  | 200   200    403    404      401    404    401 404   404 404   |
PATCH  | /api/libraries/{library}/images/{image}  | 200   200    403    404      401    404    401 404   404 404   | Image
DELETE | /api/libraries/{library}/images/{image}  | 204   204    403    404      401    404    401 404   404 404   | Image
PUT    | /api/libraries/{library}/images/{image}/file | 200   200    403    404      401    404    401 404   404 404   | Image
GET    | /api/libraries/{library}/portal-views    | 200   200    200    404      401    404    401 404   404 404   |
POST   | /api/libraries/{library}/portal-views    | 201   201    403    404      401    404    401 404   404 404   | PortalView
GET    | /api/portal-views/{view}                 | 200   200    200    404      401    404    401 404   404 404   |
PATCH  | /api/portal-views/{view}                 | 200   200    403    404      401    404    401 404   404 404   | PortalView
PUT    | /api/portal-views/{view}                 | 200   200    403    404      401    404    401 404   404 404   | PortalView
DELETE | /api/portal-views/{view}                 | 204   204    403    404      401    404    401 404   404 404   | PortalView ShareLink
POST   | /api/portal-views/{view}/batch           | 200   200    403    404      401    404    401 404   404 404   | PortalView
POST   | /api/portal-views/{view}/preview         | 200   200    403    404      401    404    401 404   404 404   |
GET    | /api/portal-views/{view}/stats           | 200   200    403    404      401    404    401 404   404 404   |
GET    | /api/portal-views/{view}/items           | 200   200    200    404      401    404    401 404   404 404   |
POST   | /api/portal-views/{view}/items           | 201   201    403    404      401    404    401 404   404 404   | PortalView
GET    | /api/portal-views/{view}/items/ogre      | 200   200    200    404      401    404    401 404   404 404   |
GET    | /api/portal-views/{view}/items/{hidden}  | 200   200    404    404      401    404    401 404   404 404   |
PATCH  | /api/portal-views/{view}/items/ogre      | 200   200    403    404      401    404    401 404   404 404   | PortalView
DELETE | /api/portal-views/{view}/items/ogre      | 204   204    403    404      401    404    401 404   404 404   | PortalView
PUT    | /api/portal-views/{view}/items/ogre/position | 200   200    403    404      401    404    401 404   404 404   | PortalView
GET    | /api/portal-views/{view}/share-links     | 200   200    403    404      401    404    401 404   404 404   |
POST   | /api/portal-views/{view}/share-links     | 201   201    403    404      401    404    401 404   404 404   | ShareLink
PATCH  | /api/portal-views/{view}/share-links/{link}  | 200   200    403    404      401    404    401 404   404 404   | ShareLink
DELETE | /api/portal-views/{view}/share-links/{link}  | 204   204    403    404      401    404    401 404   404 404   | ShareLink Revocation
POST   | /api/portal-views/{view}/share-links/{link}/code | 200   200    403    404      401    404    401 404   404 404   | ShareLink
DELETE | /api/portal-views/{view}/share-links/{link}/code | 204   204    403    404      401    404    401 404   404 404   |
POST   | /api/portal-views/{view}/screens         | 201   201    403    404      401    404    401 404   404 404   | ShareLink
POST   | /api/join                                | 200   200    200    200      200    200    200 200   200 200   |
POST   | /api/screens                             | 200   200    200    200      200    200    200 200   200 200   |
POST   | /api/screens/claim                       | 200   200    200    200      200    200    200 200   200 200   |
GET    | /api/portal-views/{view}/presence        | 200   200    403    404      401    404    401 404   404 404   |
POST   | /api/portal-views/{view}/presence/{other}/disconnect | 200   200    403    404      401    404    401 404   404 404   | Revocation
GET    | /api/libraries/{library}/presence        | 200   200    403    404      401    404    401 404   404 404   |
POST   | /api/auth/ws-ticket                      | 200   200    200    404      401    404    401 404   404 404   | Ticket
"""  # noqa: E501

MESSAGES = """
type               | owner editor    viewer    stranger  nobody             former    off              staff     all       super     | changes
ping               | pong  pong      pong      no-access credential-missing no-access user-unavailable no-access no-access no-access |
portal-view-update | ack   ack       forbidden no-access credential-missing no-access user-unavailable no-access no-access no-access | state
item-update        | ack   ack       forbidden no-access credential-missing no-access user-unavailable no-access no-access no-access | state
item-add           | ack   ack       forbidden no-access credential-missing no-access user-unavailable no-access no-access no-access | state
item-remove        | ack   ack       forbidden no-access credential-missing no-access user-unavailable no-access no-access no-access | state
item-move          | ack   ack       forbidden no-access credential-missing no-access user-unavailable no-access no-access no-access | state
encounter-next     | ack   ack       forbidden no-access credential-missing no-access user-unavailable no-access no-access no-access | state
encounter-previous | ack   ack       forbidden no-access credential-missing no-access user-unavailable no-access no-access no-access | state
batch              | ack   ack       forbidden no-access credential-missing no-access user-unavailable no-access no-access no-access | state
request-sync       | forbidden forbidden ack   no-access credential-missing no-access user-unavailable no-access no-access no-access |
sync-response      | ack   ack       forbidden no-access credential-missing no-access user-unavailable no-access no-access no-access |
activity           | ack   ack       forbidden no-access credential-missing no-access user-unavailable no-access no-access no-access |
pointer            | ack   ack       forbidden no-access credential-missing no-access user-unavailable no-access no-access no-access |
auth               | ack   ack       ack       no-access credential-missing no-access user-unavailable no-access no-access no-access |
"""  # noqa: E501

_OUTSIDE = "302 302 302 302 302 302 302"
"""The members, and everybody else who is not staff: they are redirected to the log-in, whatever they request."""

_ANY_STAFF = """
GET  | /admin/                                          | 200 200 200 |
GET  | /admin/password_change/                          | 200 200 200 |
POST | /admin/password_change/                          | 302 302 302 | User Revocation
GET  | /admin/password_change/done/                     | 200 200 200 |
GET  | /admin/jsi18n/                                   | 200 200 200 |
GET  | /admin/search/?s=libr                            | 200 200 200 |
GET  | /admin/r/1/1/                                    | 404 404 404 |
GET  | /admin/nothing/                                  | 404 404 404 |
GET  | /admin/libraries/user/{other}/                   | 302 302 302 |
GET  | /admin/libraries/library/{library}/              | 302 302 302 |
GET  | /admin/libraries/portalview/{view}/              | 302 302 302 |
GET  | /admin/libraries/sharelink/{link}/               | 302 302 302 |
GET  | /admin/libraries/invitation/{invitation}/        | 302 302 302 |
GET  | /admin/libraries/image/{image}/                  | 302 302 302 |
GET  | /admin/auth/group/{group}/                       | 302 302 302 |
"""

_WITH_PERMISSION = """
GET  | /admin/libraries/                                | 404 200 200 |
GET  | /admin/autocomplete/?app_label=libraries&model_name=membership&field_name=user&term=o | 403 200 200 |
GET  | /admin/libraries/user/                           | 403 200 200 |
POST | /admin/libraries/user/#activate                  | 403 302 302 |
POST | /admin/libraries/user/#deactivate                | 403 302 302 | User Revocation
POST | /admin/libraries/user/#delete_selected           | 403 200 200 |
POST | /admin/libraries/user/#end_sessions              | 403 302 302 | User Revocation
GET  | /admin/libraries/user/add/                       | 403 200 200 |
POST | /admin/libraries/user/add/                       | 403 302 302 | User
GET  | /admin/libraries/user/{other}/change/            | 403 200 200 |
POST | /admin/libraries/user/{other}/change/            | 403 302 302 | User
GET  | /admin/libraries/user/{other}/delete/            | 403 200 200 |
POST | /admin/libraries/user/{other}/delete/            | 403 200 200 |
GET  | /admin/libraries/user/{other}/history/           | 403 200 200 |
GET  | /admin/libraries/user/{other}/password/          | 403 200 200 |
POST | /admin/libraries/user/{other}/password/          | 403 302 302 | User Revocation
GET  | /admin/libraries/library/                        | 403 200 200 |
POST | /admin/libraries/library/#delete_selected        | 403 302 302 | Image Invitation Library Membership PortalView ShareLink
GET  | /admin/libraries/library/add/                    | 403 200 200 |
POST | /admin/libraries/library/add/                    | 403 302 302 | Library Membership
GET  | /admin/libraries/library/{library}/change/       | 403 200 200 |
POST | /admin/libraries/library/{library}/change/       | 403 302 302 | Library Membership
GET  | /admin/libraries/library/{library}/delete/       | 403 200 200 |
POST | /admin/libraries/library/{library}/delete/       | 403 302 302 | Image Invitation Library Membership PortalView ShareLink
GET  | /admin/libraries/library/{library}/history/      | 403 200 200 |
GET  | /admin/libraries/portalview/                     | 403 200 200 |
POST | /admin/libraries/portalview/#next_item           | 403 302 302 | PortalView
POST | /admin/libraries/portalview/#previous_item       | 403 302 302 |
POST | /admin/libraries/portalview/#turn_next           | 403 302 302 | PortalView
POST | /admin/libraries/portalview/#turn_previous       | 403 302 302 | PortalView
POST | /admin/libraries/portalview/#show_encounter_on   | 403 302 302 | PortalView
POST | /admin/libraries/portalview/#show_encounter_off  | 403 302 302 |
POST | /admin/libraries/portalview/#show_health_on      | 403 302 302 | PortalView
POST | /admin/libraries/portalview/#show_health_off     | 403 302 302 |
POST | /admin/libraries/portalview/#show_ac_on          | 403 302 302 | PortalView
POST | /admin/libraries/portalview/#show_ac_off         | 403 302 302 |
POST | /admin/libraries/portalview/#show_actions_on     | 403 302 302 | PortalView
POST | /admin/libraries/portalview/#show_actions_off    | 403 302 302 |
POST | /admin/libraries/portalview/#show_conditions_on  | 403 302 302 |
POST | /admin/libraries/portalview/#show_conditions_off | 403 302 302 | PortalView
POST | /admin/libraries/portalview/#blackout_on         | 403 302 302 | PortalView
POST | /admin/libraries/portalview/#blackout_off        | 403 302 302 |
POST | /admin/libraries/portalview/#viewers_may_point_on  | 403 302 302 | PortalView
POST | /admin/libraries/portalview/#viewers_may_point_off | 403 302 302 |
POST | /admin/libraries/portalview/#delete_selected     | 403 302 302 | PortalView ShareLink
GET  | /admin/libraries/portalview/add/                 | 403 200 200 |
POST | /admin/libraries/portalview/add/                 | 403 302 302 | PortalView
GET  | /admin/libraries/portalview/{view}/change/       | 403 200 200 |
POST | /admin/libraries/portalview/{view}/change/       | 403 302 302 | PortalView
GET  | /admin/libraries/portalview/{view}/delete/       | 403 200 200 |
POST | /admin/libraries/portalview/{view}/delete/       | 403 302 302 | PortalView ShareLink
GET  | /admin/libraries/portalview/{view}/history/      | 403 200 200 |
GET  | /admin/libraries/portalview/{view}/preview/      | 403 200 200 |
GET  | /admin/libraries/portalview/{view}/stats/        | 403 200 200 |
GET  | /admin/libraries/portalview/{view}/presence/     | 403 200 200 |
POST | /admin/libraries/portalview/{view}/presence/     | 403 302 302 | Revocation
GET  | /admin/libraries/sharelink/                      | 403 200 200 |
POST | /admin/libraries/sharelink/#delete_selected      | 403 302 302 | ShareLink Revocation
POST | /admin/libraries/sharelink/#withdraw             | 403 302 302 | ShareLink Revocation
GET  | /admin/libraries/sharelink/add/                  | 403 200 200 |
POST | /admin/libraries/sharelink/add/                  | 403 302 302 | ShareLink
GET  | /admin/libraries/sharelink/{link}/change/        | 403 200 200 |
POST | /admin/libraries/sharelink/{link}/change/        | 403 302 302 | ShareLink
GET  | /admin/libraries/sharelink/{link}/delete/        | 403 200 200 |
POST | /admin/libraries/sharelink/{link}/delete/        | 403 302 302 | ShareLink Revocation
GET  | /admin/libraries/sharelink/{link}/history/       | 403 200 200 |
GET  | /admin/libraries/invitation/                     | 403 200 200 |
POST | /admin/libraries/invitation/#delete_selected     | 403 302 302 | Invitation
GET  | /admin/libraries/invitation/add/                 | 403 200 200 |
POST | /admin/libraries/invitation/add/                 | 403 302 302 | Invitation
GET  | /admin/libraries/invitation/{invitation}/change/ | 403 200 200 |
POST | /admin/libraries/invitation/{invitation}/change/ | 403 403 403 |
GET  | /admin/libraries/invitation/{invitation}/delete/ | 403 200 200 |
POST | /admin/libraries/invitation/{invitation}/delete/ | 403 302 302 | Invitation
GET  | /admin/libraries/invitation/{invitation}/history/ | 403 200 200 |
GET  | /admin/libraries/image/                          | 403 200 200 |
POST | /admin/libraries/image/#delete_selected          | 403 302 302 | Image
POST | /admin/libraries/image/#delete_unused            | 403 302 302 | Image
GET  | /admin/libraries/image/add/                      | 403 200 200 |
POST | /admin/libraries/image/add/                      | 403 302 302 | Image
GET  | /admin/libraries/image/{image}/change/           | 403 200 200 |
POST | /admin/libraries/image/{image}/change/           | 403 302 302 | Image
GET  | /admin/libraries/image/{image}/delete/           | 403 200 200 |
POST | /admin/libraries/image/{image}/delete/           | 403 302 302 | Image
GET  | /admin/libraries/image/{image}/history/          | 403 200 200 |
GET  | /admin/auth/group/                               | 403 200 200 |
POST | /admin/auth/group/#delete_selected               | 403 302 302 | Group
GET  | /admin/auth/group/add/                           | 403 200 200 |
POST | /admin/auth/group/add/                           | 403 302 302 | Group
GET  | /admin/auth/group/{group}/change/                | 403 200 200 |
POST | /admin/auth/group/{group}/change/                | 403 302 302 | Group
GET  | /admin/auth/group/{group}/delete/                | 403 200 200 |
POST | /admin/auth/group/{group}/delete/                | 403 302 302 | Group
GET  | /admin/auth/group/{group}/history/               | 403 200 200 |
"""  # noqa: E501

_DOORS = """
method | address        | owner editor viewer stranger nobody former off staff all super | changes
GET    | /admin/login/  | 200   200    200    200      200    200    200 302   302 302   |
POST   | /admin/logout/ | 302   302    302    302      302    302    302 200   200 200   | Revocation
"""


@dataclass(frozen=True)
class Row:
    """One line of a table: the answer for each person, and the models that change on success."""

    method: str
    address: str
    cells: dict[str, str]
    changes: frozenset[str]

    @property
    def name(self) -> str:
        """The name of the test case."""
        return f"{self.method} {self.address}".strip()


def rows(table: str) -> list[Row]:
    """The lines of a table whose first line names the columns."""
    head, *lines = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    people = head[-2].split()
    found = []
    for line in lines:
        *keys, cells, changes = line
        method, address = keys if len(keys) == 2 else ("", keys[0])
        found.append(Row(method, address, dict(zip(people, cells.split(), strict=True)), frozenset(changes.split())))
    return found


def _of_the_admin() -> list[Row]:
    doors, head = rows(_DOORS), _DOORS.strip().splitlines()[0]
    lines = []
    for line in (_ANY_STAFF + _WITH_PERMISSION).strip().splitlines():
        if line:
            method, address, staff, changes = line.split("|")
            lines.append("|".join((method, address, f"{_OUTSIDE} {staff}", changes)))
    return doors + rows("\n".join((head, *lines)))


REST_ROWS = rows(REST)
MESSAGE_ROWS = rows(MESSAGES)
ADMIN_ROWS = _of_the_admin()
