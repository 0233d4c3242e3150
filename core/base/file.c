/* SPDX-License-Identifier: Apache-2.0 */
/* base/file.c: files, whole: read within a bound, written so that nobody sees half of one. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "base/digest.h"
#include "base/value.h"

char *
adze_text_format (const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  char *text = adze_text_vformat (format, arguments);
  va_end (arguments);
  return text;
}

/* The system's last complaint about a file. */
static adze_error *
complaint (const char *what, const char *path)
{
  adze_error *error = adze_error_errno ("cannot %s %s", what, path);
  adze_error_set (error, "file", path);
  return error;
}

/* ---- Reading. */

const char *
adze_file_kind (mode_t mode)
{
  if (S_ISDIR (mode))
    return "a folder";
  if (S_ISFIFO (mode))
    return "a named pipe";
  if (S_ISSOCK (mode))
    return "a socket";
  if (S_ISCHR (mode) || S_ISBLK (mode))
    return "a device";
  return "no regular file";
}

adze_error *
adze_file_open (const char *path, int *fd, struct stat *status)
{
  struct stat local;
  if (!status)
    status = &local;
  *fd = -1;
  /* Without O_NONBLOCK the opening of a named pipe waits for a writer, perhaps for ever. */
  ADZE_AUTO_FD int opened = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (opened < 0 && errno != ENXIO)
    return complaint ("open", path);
  if (opened >= 0 && fstat (opened, status) != 0)
    return complaint ("look at", path);
  if (opened < 0 || !S_ISREG (status->st_mode)) {
    adze_error *error
        = adze_error_new (ADZE_E_IO, "cannot read %s: it is %s", path,
                          opened < 0 ? "a socket or device" : adze_file_kind (status->st_mode));
    adze_error_set (error, "file", path);
    adze_error_set (error, "needed", "a regular file");
    return error;
  }
  *fd = opened;
  opened = -1;
  return NULL;
}

static adze_error *
too_long (const char *path, size_t most)
{
  adze_error *error
      = adze_error_new (ADZE_E_LIMIT, "cannot read %s: it is larger than %zu bytes", path, most);
  adze_error_set (error, "file", path);
  adze_error_setf (error, "needed", "at most %zu bytes", most);
  return error;
}

/* Reads to the end or until CAPACITY is full. */
static adze_error *
fill (int fd, const char *path, char *data, size_t capacity, size_t *size)
{
  while (*size < capacity) {
    ssize_t got = read (fd, data + *size, capacity - *size);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return complaint ("read", path);
    if (got == 0)
      break;
    *size += (size_t)got;
  }
  return NULL;
}

adze_error *
adze_file_read (const char *path, size_t most, char **data, size_t *size)
{
  *data = NULL;
  *size = 0;
  ADZE_AUTO_FD int fd = -1;
  struct stat status;
  ADZE_TRY (adze_file_open (path, &fd, &status));
  if ((uintmax_t)status.st_size > most || (uintmax_t)status.st_size > SIZE_MAX - 2)
    return too_long (path, most);

  /* One byte more than the size that was announced: the read that fills it shows that the file has
   * grown, as those of /proc do, which announce 0. */
  size_t capacity = (size_t)status.st_size + 1;
  ADZE_AUTO_FREE char *bytes = NULL;
  size_t got = 0;
  for (;;) {
    char *grown = realloc (bytes, capacity + 1);
    if (!grown)
      return adze_error_memory ();
    bytes = grown;
    ADZE_TRY (fill (fd, path, bytes, capacity, &got));
    if (got > most)
      return too_long (path, most);
    if (got < capacity)
      break;
    if (capacity > SIZE_MAX / 2 - 4096)
      return adze_error_memory ();
    capacity = capacity * 2 + 4096;
  }
  bytes[got] = '\0';
  *data = adze_take (&bytes);
  *size = got;
  return NULL;
}

/* ---- Writing. */

static adze_error *
write_all (int fd, const char *path, const char *data, size_t size)
{
  while (size > 0) {
    ssize_t put = write (fd, data, size);
    if (put < 0 && errno == EINTR)
      continue;
    /* A write that takes nothing of a regular file would otherwise be tried for ever. */
    if (put == 0)
      errno = EIO;
    if (put <= 0)
      return complaint ("write", path);
    data += put;
    size -= (size_t)put;
  }
  return NULL;
}

/* The folder that holds PATH; NULL without memory. */
static char *
folder_of (const char *path)
{
  size_t length = (size_t)(adze_path_base (path) - path);
  if (length == 0)
    return strdup (".");
  while (length > 1 && path[length - 1] == '/')
    length--;
  return strndup (path, length);
}

/* Which file it is to become: the name itself may already be as long as a name can be. */
static unsigned long long
target_of (const char *path)
{
  const char *base = adze_path_base (path);
  return adze_hash64 (base, strlen (base), 0);
}

/* A fresh file in FOLDER that nobody else has open or will guess. It is locked as long as it is being
 * written, so that nobody takes it for what a process left that is no more. */
static adze_error *
open_temporary (const char *folder, const char *path, mode_t mode, char **name, int *fd)
{
  for (unsigned attempt = 0; attempt < 1000; attempt++) {
    struct timespec now;
    clock_gettime (CLOCK_REALTIME, &now);
    ADZE_AUTO_FREE char *candidate
        = adze_text_format ("%s/.adze-%ld-%llx-%u-%016llx.tmp", folder, (long)getpid (),
                            (unsigned long long)now.tv_sec * 1000000000u
                                + (unsigned long long)now.tv_nsec,
                            attempt, target_of (path));
    if (!candidate)
      return adze_error_memory ();
    *fd = open (candidate, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (*fd >= 0) {
      (void)flock (*fd, LOCK_EX | LOCK_NB);
      *name = adze_take (&candidate);
      return NULL;
    }
    if (errno != EEXIST && errno != EINTR)
      break;
  }
  return complaint ("create a file in", folder);
}

/* A rename is only durable once the folder is. Some file systems cannot sync a folder and say so
 * with EINVAL; there is nothing more to be done on those. */
static adze_error *
sync_folder (const char *folder)
{
  ADZE_AUTO_FD int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return complaint ("open the folder", folder);
  if (fsync (fd) != 0 && errno != EINVAL && errno != EOPNOTSUPP)
    return complaint ("sync the folder", folder);
  return NULL;
}

/* What a file is to hold: DATA, or what FILL writes. */
typedef struct contents {
  const void *data;
  size_t size;
  void (*fill) (const void *context, adze_buffer *into);
  const void *context;
} contents;

typedef struct destination {
  int fd;
  const char *name;
  adze_error *error;
} destination;

/* So many bytes of SIZE, in whole blocks but for the last, are all zeros, or all in blocks that are
 * not. */
static size_t
even_part (const char *data, size_t size, bool *zeros)
{
  enum { BLOCK = 4096 };
  size_t done = 0;
  for (bool first = true; done < size; first = false) {
    size_t part = size - done < BLOCK ? size - done : BLOCK;
    const char *block = data + done;
    bool empty = block[0] == 0 && memcmp (block, block + 1, part - 1) == 0;
    if (first)
      *zeros = empty;
    else if (empty != *zeros)
      break;
    done += part;
  }
  return done;
}

/* Blocks of zeros become holes, which take no room: tables of counts are full of them. */
static void
drain (adze_buffer *buffer, void *context)
{
  destination *to = context;
  for (size_t at = 0; !to->error && at < buffer->size;) {
    bool zeros;
    size_t part = even_part (buffer->data + at, buffer->size - at, &zeros);
    if (!zeros)
      to->error = write_all (to->fd, to->name, buffer->data + at, part);
    else if (lseek (to->fd, (off_t)part, SEEK_CUR) < 0)
      to->error = complaint ("write", to->name);
    at += part;
  }
}

/* The last bytes may be a hole. */
static adze_error *
end_file (int fd, const char *name)
{
  off_t size = lseek (fd, 0, SEEK_CUR);
  return size < 0 || ftruncate (fd, size) != 0 ? complaint ("write", name) : NULL;
}

static adze_error *
write_filled (int fd, const char *name, const contents *what)
{
  destination to = { .fd = fd, .name = name };
  ADZE_AUTO (adze_buffer) buffer = { .drain = drain, .context = &to };
  what->fill (what->context, &buffer);
  drain (&buffer, &to);
  if (to.error)
    return to.error;
  return buffer.failed ? adze_error_memory () : end_file (fd, name);
}

/* Everything that happens to the temporary file before it gets its name. Closes FD. */
static adze_error *
fill_temporary (int fd, const char *name, const contents *what)
{
  ADZE_AUTO_FD int open_fd = fd;
  if (what->fill)
    ADZE_TRY (write_filled (fd, name, what));
  else
    ADZE_TRY (write_all (fd, name, what->data, what->size));
  if (fsync (fd) != 0)
    return complaint ("sync", name);
  open_fd = -1;
  /* Network file systems report a full disk here. After EINTR the descriptor is gone all the same. */
  if (close (fd) != 0 && errno != EINTR)
    return complaint ("close", name);
  return NULL;
}

static adze_error *
write_file (const char *path, const contents *what, mode_t mode)
{
  ADZE_AUTO_FREE char *folder = folder_of (path);
  if (!folder)
    return adze_error_memory ();
  adze_error *error = adze_folder_make (folder);
  if (error)
    return adze_error_wrap (error, "cannot write %s", path);

  ADZE_AUTO_FREE char *temporary = NULL;
  int fd = -1;
  error = open_temporary (folder, path, mode, &temporary, &fd);
  if (error)
    return adze_error_wrap (error, "cannot write %s", path);
  error = fill_temporary (fd, temporary, what);
  if (!error && rename (temporary, path) != 0)
    error = adze_error_errno ("cannot rename %s to %s", temporary, path);
  if (error)
    unlink (temporary);
  else
    error = sync_folder (folder);
  if (!error)
    return NULL;
  error = adze_error_wrap (error, "cannot write %s", path);
  adze_error_set (error, "file", path);
  return error;
}

adze_error *
adze_file_write (const char *path, const void *data, size_t size, mode_t mode)
{
  return write_file (path, &(contents){ .data = data, .size = size }, mode);
}

adze_error *
adze_file_write_text (const char *path, mode_t mode,
                      void (*text) (const void *context, adze_buffer *into), const void *context)
{
  return write_file (path, &(contents){ .fill = text, .context = context }, mode);
}

static bool
ends_in (const char *name, const char *suffix)
{
  size_t length = strlen (name), tail = strlen (suffix);
  return length >= tail && strcmp (name + length - tail, suffix) == 0;
}

/* Is NAME that of a temporary file of TARGET, and its process no more? */
static bool
is_left (const char *name, unsigned long long target)
{
  static const char head[] = ".adze-";
  ADZE_AUTO_FREE char *tail = adze_text_format ("-%016llx.tmp", target);
  if (!tail || strncmp (name, head, sizeof head - 1) != 0 || !ends_in (name, tail))
    return false;
  char *end = NULL;
  long process = strtol (name + sizeof head - 1, &end, 10);
  return *end == '-' && process > 0 && kill ((pid_t)process, 0) != 0 && errno == ESRCH;
}

/* On another machine, or in another container, a process may live that is none here: it holds the lock. */
static void
remove_left (const char *folder, const char *name)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s", folder, name);
  ADZE_AUTO_FD int fd
      = path ? open (path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY) : -1;
  struct stat status;
  if (fd >= 0 && fstat (fd, &status) == 0 && S_ISREG (status.st_mode)
      && flock (fd, LOCK_EX | LOCK_NB) == 0)
    (void)unlink (path);
}

void
adze_file_sweep (const char *path)
{
  ADZE_AUTO_FREE char *folder = folder_of (path);
  char **names = NULL;
  size_t count = 0;
  ADZE_AUTO_ERROR unread
      = folder ? adze_folder_names (folder, ".tmp", &names, &count) : NULL;
  for (size_t i = 0; !unread && i < count; i++)
    if (is_left (names[i], target_of (path)))
      remove_left (folder, names[i]);
  adze_names_free (names, count);
}

/* ---- Folders. */

/* Makes one folder whose parent exists. Whatever mkdir complains of, a folder that is there will
 * do: a read-only file system, for one, need not say EEXIST. */
static adze_error *
make_one (const char *path)
{
  if (mkdir (path, 0777) == 0)
    return NULL;
  int number = errno;
  struct stat status;
  if (stat (path, &status) == 0 && S_ISDIR (status.st_mode))
    return NULL;
  errno = number == EEXIST ? ENOTDIR : number;
  return complaint ("make the folder", path);
}

adze_error *
adze_folder_make (const char *path)
{
  ADZE_AUTO_FREE char *prefix = strdup (path);
  if (!prefix)
    return adze_error_memory ();
  for (char *slash = prefix; *slash; slash++) {
    if (*slash != '/' || slash == prefix)
      continue;
    *slash = '\0';
    ADZE_TRY (make_one (prefix));
    *slash = '/';
  }
  return make_one (prefix);
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

void
adze_names_free (char **names, size_t count)
{
  for (size_t i = 0; i < count; i++)
    free (names[i]);
  free (names);
}

static bool
add_name (char ***names, size_t *count, const char *name)
{
  /* Full whenever the count is a power of two: doubling without a second counter. */
  if ((*count & (*count - 1)) == 0) {
    char **grown = realloc (*names, (*count ? *count * 2 : 1) * sizeof *grown);
    if (!grown)
      return false;
    *names = grown;
  }
  char *copy = strdup (name);
  if (!copy)
    return false;
  (*names)[(*count)++] = copy;
  return true;
}

static adze_error *
read_names (DIR *folder, const char *path, const char *suffix, char ***names, size_t *count)
{
  for (;;) {
    errno = 0;
    const struct dirent *entry = readdir (folder);
    if (!entry)
      return errno ? complaint ("list the folder", path) : NULL;
    const char *name = entry->d_name;
    if (strcmp (name, ".") == 0 || strcmp (name, "..") == 0 || !ends_in (name, suffix))
      continue;
    if (!add_name (names, count, name))
      return adze_error_memory ();
  }
}

adze_error *
adze_folder_names (const char *path, const char *suffix, char ***names, size_t *count)
{
  *names = NULL;
  *count = 0;
  DIR *folder = opendir (path);
  if (!folder)
    return errno == ENOENT ? NULL : complaint ("open the folder", path);
  adze_error *error = read_names (folder, path, suffix, names, count);
  closedir (folder);
  if (error) {
    adze_names_free (*names, *count);
    *names = NULL;
    *count = 0;
    return error;
  }
  if (*count > 1)
    qsort (*names, *count, sizeof **names, compare_names);
  return NULL;
}

/* ---- Paths and identity. */

const char *
adze_path_base (const char *path)
{
  const char *slash = strrchr (path, '/');
  return slash ? slash + 1 : path;
}

static bool
is_utf8 (const char *text)
{
  uint32_t code = 0;
  size_t size = strlen (text);
  for (size_t at = 0; code != ADZE_UTF8_BAD && at < size;)
    at += adze_utf8_read (text + at, size - at, &code);
  return code != ADZE_UTF8_BAD;
}

/* A link is there, and what it leads to is not. */
static bool
suggest_target (adze_error *error, const char *path)
{
  char target[4096];
  ssize_t size = readlink (path, target, sizeof target - 1);
  if (size < 0)
    return false;
  target[size] = '\0';
  adze_error_setf (error, "hint", "it is a link to %s, which is not there", target);
  return true;
}

/* A name that is not UTF-8 is one that no pipeline can say, and may look the same on a screen. */
void
adze_file_suggest (adze_error *error, const char *path)
{
  const char *base = adze_path_base (path);
  ADZE_AUTO_FREE char *folder = strndup (path, (size_t)(base - path));
  char **names = NULL;
  size_t count = 0;
  if (!folder || adze_error_status (error) != ADZE_E_NOT_FOUND || suggest_target (error, path))
    return;
  ADZE_AUTO_ERROR unread = adze_folder_names (folder[0] ? folder : ".", "", &names, &count);
  if (unread)
    return;
  const char *meant = adze_nearest (base, (const char *const *)names, count);
  if (meant && !is_utf8 (meant))
    adze_error_set (error, "hint",
                    "a file in the same folder has a name much like it that is not UTF-8, as a "
                    "pipeline must be; rename that one");
  else if (meant && strcmp (meant, base) != 0)
    adze_error_setf (error, "hint", "did you mean \"%s\", which is in the same folder?", meant);
  adze_names_free (names, count);
}

/* To be freed; NULL with errno set. */
static char *
current_folder (void)
{
  for (size_t size = 256;; size *= 2) {
    char *folder = malloc (size);
    if (!folder || getcwd (folder, size))
      return folder;
    int number = errno;
    free (folder);
    errno = number;
    if (number != ERANGE)
      return NULL;
  }
}

adze_error *
adze_path_absolute (const char *path, char **absolute)
{
  *absolute = realpath (path, NULL);
  if (*absolute)
    return NULL;
  if (errno == ENOMEM)
    return adze_error_memory ();
  if (path[0] == '\0')
    return adze_error_new (ADZE_E_NOT_FOUND, "an empty path names no file");
  if (path[0] == '/') {
    *absolute = strdup (path);
    return *absolute ? NULL : adze_error_memory ();
  }
  ADZE_AUTO_FREE char *folder = current_folder ();
  if (!folder)
    return adze_error_errno ("cannot find the current folder, which %s starts from", path);
  *absolute = adze_text_format ("%s/%s", strcmp (folder, "/") == 0 ? "" : folder, path);
  return *absolute ? NULL : adze_error_memory ();
}

/* One more component, of SIZE bytes, for a folder that does not exist. */
static void
step_into (adze_buffer *into, const char *component, size_t size)
{
  if (size == 0 || (size == 1 && component[0] == '.'))
    return;
  if (size == 2 && component[0] == '.' && component[1] == '.') {
    while (into->size > 0 && into->data[--into->size] != '/')
      continue;
    return;
  }
  adze_buffer_text (into, "/");
  adze_buffer_add (into, component, size);
}

adze_error *
adze_path_settle (const char *path, char **settled)
{
  ADZE_AUTO_FREE char *absolute = NULL;
  ADZE_AUTO_FREE char *real = NULL;
  ADZE_AUTO (adze_buffer) made = { 0 };
  *settled = NULL;
  ADZE_TRY (adze_path_absolute (path, &absolute));
  /* As far as it is there; the slash in front of what is not becomes an end for a moment. */
  size_t known = strlen (absolute);
  for (;;) {
    char cut = absolute[known];
    absolute[known] = '\0';
    real = realpath (known > 0 ? absolute : "/", NULL);
    absolute[known] = cut;
    if (real || known == 0)
      break;
    while (known > 0 && absolute[--known] != '/')
      continue;
  }
  if (real && strcmp (real, "/") != 0)
    adze_buffer_text (&made, real);
  for (const char *at = absolute + known; *at;) {
    size_t size = strcspn (at, "/");
    step_into (&made, at, size);
    at += size + (at[size] == '/');
  }
  if (made.size == 0)
    adze_buffer_text (&made, "/");
  return adze_buffer_finish (&made, settled);
}

/* Unsigned, since a file may claim a time whose nanoseconds do not fit. */
static int64_t
nanoseconds (const struct timespec *time)
{
  return (int64_t)((uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec);
}

adze_file_identity
adze_file_identity_of (const struct stat *status)
{
  return (adze_file_identity){
    .device = (uint64_t)status->st_dev,
    .inode = (uint64_t)status->st_ino,
    .size = (uint64_t)status->st_size,
    .mtime_ns = nanoseconds (&status->st_mtim),
    .ctime_ns = nanoseconds (&status->st_ctim),
  };
}

bool
adze_file_identity_equal (const adze_file_identity *a, const adze_file_identity *b)
{
  return a->device == b->device && a->inode == b->inode && a->size == b->size
         && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

void
adze_file_identity_text (const adze_file_identity *identity, char text[ADZE_IDENTITY_TEXT])
{
  snprintf (text, ADZE_IDENTITY_TEXT,
            "%" PRIx64 ":%" PRIx64 ":%" PRIx64 ":%" PRIx64 ":%" PRIx64, identity->device,
            identity->inode, identity->size, (uint64_t)identity->mtime_ns,
            (uint64_t)identity->ctime_ns);
}

adze_file_identity
adze_file_identity_at (const char *path)
{
  struct stat status;
  return stat (path, &status) == 0 ? adze_file_identity_of (&status) : (adze_file_identity){ 0 };
}
