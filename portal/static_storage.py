"""Where static files are in production: each under a name that has a digest of what is in it."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ManifestStorage(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage; modules import each other by those names, too, so an open page never mixes two versions."""

    support_js_module_import_aggregation = True
    max_post_process_passes = 20  # modules import modules that import modules: each level takes one
