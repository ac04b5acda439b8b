"""unpack.py ARCHIVE DIRECTORY STAMP: the recordings, without their top folder; no machine needs xz for that."""
import pathlib
import sys
import tarfile

archive, directory, stamp = sys.argv[1:]
with tarfile.open(archive) as tar:
    for member in tar:
        if member.isfile():
            path = pathlib.Path(directory, *pathlib.PurePosixPath(member.name).parts[1:])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(tar.extractfile(member).read())
pathlib.Path(stamp).touch()
