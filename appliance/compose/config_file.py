"""The administrator's settings of an emulated appliance: `DIR/config.toml`, which may be absent."""

from __future__ import annotations

from appliance import config
from appliance.adapters import small_file
from appliance.compose.home import Home
from appliance.config import Config
from appliance.errors import ConfigInvalid


def read(home: Home) -> Config:
    """ConfigInvalid; the defaults where there is no such file."""
    try:
        content = small_file.read(home.root / config.NAME, config.TEXT_BYTES_MAX)
    except FileNotFoundError:
        return Config()
    except (OSError, ValueError) as error:
        raise ConfigInvalid(line=0, detail=str(error)) from None
    return config.parse(content)
