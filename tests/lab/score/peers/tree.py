"""The folder with the peers' programs: built once, by the builder of the lab's images."""
import sys
import tomllib
from pathlib import Path

import rig

sys.path.insert(1, str(rig.LAB))
import image  # noqa: E402  (a module of the lab)

PACKAGES = Path(__file__).resolve().parent / "image.toml"


def layers():
    """The peers' layer and the base below it; builds the layer if it is not there."""
    images, codename = image.written(), image.release()
    base = image.base_place(images, codename)
    entry = tomllib.loads(PACKAGES.read_text())
    final = image.place("peers", image.key_of(image.base_key(images, codename), entry["packages"]))
    if not final.is_dir():
        image.once(final, ["role", str(base / "layer")], entry, say=lambda text: print(f"  {text}", flush=True))
    return final / "layer", base / "layer"
