"""The admin site: one module per model, and shared code in `base`.

The admin never writes portal views, libraries, memberships or the right to log in directly. It calls
`libraries.services`, which notifies open connections.
"""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.models import Group

from libraries.admin.groups import GroupAdmin
from libraries.admin.images import ImageAdmin
from libraries.admin.invitations import InvitationAdmin
from libraries.admin.libraries import LibraryAdmin
from libraries.admin.portal_views import PortalViewAdmin
from libraries.admin.share_links import ShareLinkAdmin
from libraries.admin.users import UserAdmin
from libraries.models import Image, Invitation, Library, PortalView, ShareLink, User

admin.site.register(User, UserAdmin)
admin.site.register(Library, LibraryAdmin)
admin.site.register(PortalView, PortalViewAdmin)
admin.site.register(ShareLink, ShareLinkAdmin)
admin.site.register(Image, ImageAdmin)
admin.site.register(Invitation, InvitationAdmin)
admin.site.unregister(Group)
admin.site.register(Group, GroupAdmin)
