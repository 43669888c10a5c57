#!/usr/bin/python3
# A share with the habits of real ones: BACKING is shown at POINT through FUSE, with the habits named after them. For the
# tests of what is copied to shares; needs Debian's python3-fusepy.
#
#   link=ERRNO          hard links are refused          dirsync=ERRNO   a directory cannot be flushed
#   characters=TEXT     these are not allowed in names  nodirect        O_DIRECT is refused
#   namemax=BYTES       longer names are refused        nochmod         modes, owners and times cannot be set
#   max=BYTES           larger files are refused        nostat          free space is reported as zeros
#   ignorecase          names differ not by case        inodes          other inode numbers at each look
#   trailing            trailing dots and blanks go     times=SECONDS   times are rounded down
#   closing=N           the first close of the Nth unfinished file (.part) fails (a late write error)
#   broken=TEXT         files whose names hold TEXT cannot be read
#   every=CALL:ERRNO:N  every Nth CALL fails            once=CALL:ERRNO:N  the Nth CALL fails
import errno
import itertools
import os
import sys

from fusepy import FUSE, FuseOSError, Operations

STAT_FIELDS = (
    "st_atime st_ctime st_gid st_ino st_mode st_mtime st_nlink st_size st_uid"
).split()
STATFS_FIELDS = (
    "f_bavail f_bfree f_blocks f_bsize f_favail f_ffree f_files f_flag f_frsize f_namemax"
).split()


def refusal(name):
    return FuseOSError(getattr(errno, name))


class Share(Operations):
    def __init__(self, backing, habits):
        self.backing = backing
        self.habits = habits
        self.inodes = itertools.count(1_000_000)
        self.calls = {}
        self.closed = set()

    def __call__(self, call, *arguments):
        self.calls[call] = self.calls.get(call, 0) + 1
        for habit, due in (("once", lambda n, at: n == at), ("every", lambda n, at: n % at == 0)):
            wanted, name, at = self.habits.get(habit, "::1").split(":")
            if call == wanted and due(self.calls[call], int(at)):
                raise refusal(name)
        return super().__call__(call, *arguments)

    def place(self, path):
        """The file in the backing directory that a path leads to."""
        found = self.backing
        for name in [part for part in path.split("/") if part]:
            if len(os.fsencode(name)) > int(self.habits.get("namemax", 255)):
                raise refusal("ENAMETOOLONG")
            if any(character in name for character in self.habits.get("characters", "")):
                raise refusal("EINVAL")
            if "trailing" in self.habits:
                name = name.rstrip(". ") or name
            if "ignorecase" in self.habits and not os.path.lexists(os.path.join(found, name)):
                there = os.listdir(found) if os.path.isdir(found) else []
                name = next((one for one in there if one.lower() == name.lower()), name)
            found = os.path.join(found, name)
        return found

    def shown(self, status):
        fields = {field: getattr(status, field) for field in STAT_FIELDS}
        if "inodes" in self.habits:
            fields["st_ino"] = next(self.inodes)
        if "times" in self.habits:
            step = int(self.habits["times"])
            fields["st_mtime"] = float(int(status.st_mtime) // step * step)
        return fields

    def getattr(self, path, fh=None):
        return self.shown(os.lstat(self.place(path)) if fh is None else os.fstat(fh))

    def access(self, path, mode):
        if not os.access(self.place(path), mode):
            raise refusal("EACCES")

    def readdir(self, path, fh):
        return [".", ".."] + os.listdir(self.place(path))

    def create(self, path, mode, fi=None):
        return os.open(self.place(path), os.O_RDWR | os.O_CREAT, mode)

    def open(self, path, flags):
        if "nodirect" in self.habits and flags & os.O_DIRECT:
            raise refusal("EINVAL")
        return os.open(self.place(path), flags & ~(os.O_DIRECT | os.O_NOFOLLOW))

    def read(self, path, size, offset, fh):
        if "broken" in self.habits and self.habits["broken"] in os.path.basename(path):
            raise refusal("EIO")
        return os.pread(fh, size, offset)

    def write(self, path, data, offset, fh):
        if offset + len(data) > int(self.habits.get("max", 1 << 62)):
            raise refusal("EFBIG")
        return os.pwrite(fh, data, offset)

    def truncate(self, path, length, fh=None):
        if length > int(self.habits.get("max", 1 << 62)):
            raise refusal("EFBIG")
        os.truncate(self.place(path), length)

    def flush(self, path, fh):
        if path.endswith(".part") and path not in self.closed:
            self.closed.add(path)
            if str(len(self.closed)) == self.habits.get("closing"):
                raise refusal("EIO")

    def release(self, path, fh):
        os.close(fh)

    def fsync(self, path, datasync, fh):
        os.fsync(fh)

    def fsyncdir(self, path, datasync, fh):
        if "dirsync" in self.habits:
            raise refusal(self.habits["dirsync"])

    def link(self, target, source):
        if "link" in self.habits:
            raise refusal(self.habits["link"])
        os.link(self.place(source), self.place(target))

    def rename(self, old, new):
        os.rename(self.place(old), self.place(new))

    def unlink(self, path):
        os.unlink(self.place(path))

    def mkdir(self, path, mode):
        os.mkdir(self.place(path), mode)

    def rmdir(self, path):
        os.rmdir(self.place(path))

    def chmod(self, path, mode):
        self.refuse_attributes()
        os.chmod(self.place(path), mode)

    def chown(self, path, uid, gid):
        self.refuse_attributes()
        os.chown(self.place(path), uid, gid)

    def utimens(self, path, times=None):
        self.refuse_attributes()
        os.utime(self.place(path), times)

    def refuse_attributes(self):
        if "nochmod" in self.habits:
            raise refusal("EPERM")

    def statfs(self, path):
        if "nostat" in self.habits:
            return {"f_bsize": 4096, "f_frsize": 4096, "f_namemax": 255}
        found = os.statvfs(self.backing)
        return {field: getattr(found, field) for field in STATFS_FIELDS}


def main():
    backing, point, *words = sys.argv[1:]
    habits = dict(word.partition("=")[::2] for word in words)
    options = {"use_ino": True} if "inodes" in habits else {}
    FUSE(
        Share(backing, habits),
        point,
        foreground=True,
        nothreads=False,
        attr_timeout=0,
        entry_timeout=0,
        **options,
    )


main()
