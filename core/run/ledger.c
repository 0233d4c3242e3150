/* SPDX-License-Identifier: Apache-2.0 */
/* run/ledger.c: a file of accumulators that were decided on. */
#include "run/ledger.h"

#include <fcntl.h>
#include <string.h>

#include <xxhash.h>

#include "artifact/files.h"

/* Stands in front of the entries. */
typedef struct ledger_head {
  char magic[16];
  uint64_t entry;
  uint64_t size;
} ledger_head;

static const char magic[16] = "adze.decided/1";

enum { COPY_SIZE = 64 << 10, BLOCK = 4096 };

char *
adze_ledger_path (const adze_folder *folder, const char *id)
{
  return adze_text_format ("%s/decided.%s", adze_folder_path_of (folder), id);
}

static adze_error *
note_name (const char *id, char **name)
{
  *name = adze_text_format ("decided.%s", id);
  return *name ? NULL : adze_error_memory ();
}

void
adze_ledger_close (adze_ledger *ledger)
{
  if (!ledger)
    return;
  if (ledger->fd >= 0)
    close (ledger->fd);
  if (ledger->passing)
    unlink (ledger->path);
  free (ledger->path);
  free (ledger);
}

/* Takes PATH over; NULL without memory, or a path. */
static adze_ledger *
make_closed (char *path)
{
  adze_ledger *fresh = path ? calloc (1, sizeof *fresh) : NULL;
  if (fresh)
    *fresh = (adze_ledger){ .path = path, .fd = -1 };
  else
    free (path);
  return fresh;
}

/* ---- Writing. */

static adze_error *
write_head (const adze_ledger *ledger)
{
  ledger_head head = { .entry = ledger->entry, .size = ledger->size };
  memcpy (head.magic, magic, sizeof magic);
  return adze_write_at (ledger->fd, ledger->path, 0, &head, sizeof head);
}

adze_error *
adze_ledger_make (const adze_folder *folder, const char *id, uint64_t entry, adze_ledger **ledger)
{
  adze_ledger *fresh = make_closed (
      adze_text_format ("%s/.decided.%s.part", adze_folder_path_of (folder), id));
  if (!fresh)
    return adze_error_memory ();
  fresh->entry = entry;
  fresh->fd = open (fresh->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  fresh->passing = fresh->fd >= 0;
  adze_error *error = fresh->passing ? write_head (fresh)
                                     : adze_error_errno ("cannot make %s", fresh->path);
  if (error) {
    adze_ledger_close (fresh);
    return error;
  }
  *ledger = fresh;
  return NULL;
}

adze_error *
adze_ledger_begin (adze_ledger *ledger, uint64_t entry, size_t count)
{
  uint64_t more, size;
  if (entry != ledger->entry)
    return adze_error_new (ADZE_E_CONTRACT,
                           "its accumulator has %llu bytes now, and had %llu when it looked before",
                           (unsigned long long)entry, (unsigned long long)ledger->entry);
  if (__builtin_mul_overflow (entry, count, &more)
      || __builtin_add_overflow (ledger->size, more, &size)
      || size > INT64_MAX - sizeof (ledger_head))
    return adze_error_new (ADZE_E_LIMIT, "what it sums up is more than a file can hold");
  if (ftruncate (ledger->fd, (off_t)(sizeof (ledger_head) + size)) != 0)
    return adze_error_errno ("cannot make room in %s", ledger->path);
  ledger->current = ledger->size;
  ledger->size = size;
  return write_head (ledger);
}

static bool
is_empty (const char *bytes, size_t size)
{
  return size == 0 || (bytes[0] == 0 && memcmp (bytes, bytes + 1, size - 1) == 0);
}

/* Counts of a small tensor are nearly all zero: blocks that are take no room. */
adze_error *
adze_ledger_put (const adze_ledger *ledger, size_t number, const void *accumulator)
{
  uint64_t at = sizeof (ledger_head) + ledger->current + number * ledger->entry;
  const char *from = accumulator;
  for (uint64_t left = ledger->entry; left > 0;) {
    size_t part = (size_t)(BLOCK - at % BLOCK);
    if (part > left)
      part = (size_t)left;
    if (!is_empty (from, part))
      ADZE_TRY (adze_write_at (ledger->fd, ledger->path, at, from, part));
    at += part;
    from += part;
    left -= part;
  }
  return NULL;
}

adze_error *
adze_ledger_get (const adze_ledger *ledger, uint64_t first, size_t number, void *accumulator)
{
  return adze_read_at (ledger->fd, ledger->path,
                       sizeof (ledger_head) + first + number * ledger->entry, accumulator,
                       (size_t)ledger->entry);
}

/* ---- All of it, a piece at a time. */

typedef struct reading {
  const adze_ledger *ledger;
  adze_error **error; /* where the first one goes */
} reading;

/* Hands all bytes to TAKE. */
static adze_error *
read_all (const adze_ledger *ledger, void (*take) (void *to, const void *bytes, size_t size),
          void *to)
{
  ADZE_AUTO_FREE char *bytes = malloc (COPY_SIZE);
  uint64_t end = sizeof (ledger_head) + ledger->size;
  if (!bytes)
    return adze_error_memory ();
  for (uint64_t at = 0; at < end;) {
    size_t part = end - at < COPY_SIZE ? (size_t)(end - at) : COPY_SIZE;
    ADZE_TRY (adze_read_at (ledger->fd, ledger->path, at, bytes, part));
    take (to, bytes, part);
    at += part;
  }
  return NULL;
}

static void
take_into_hash (void *to, const void *bytes, size_t size)
{
  XXH3_128bits_update (to, bytes, size);
}

static adze_error *
hash_all (const adze_ledger *ledger, adze_hash128 *hash)
{
  XXH3_state_t *state = XXH3_createState ();
  if (!state)
    return adze_error_memory ();
  XXH3_128bits_reset (state);
  adze_error *error = read_all (ledger, take_into_hash, state);
  XXH128_hash_t sum = XXH3_128bits_digest (state);
  XXH3_freeState (state);
  *hash = (adze_hash128){ .low = sum.low64, .high = sum.high64 };
  return error;
}

static void
take_into_text (void *to, const void *bytes, size_t size)
{
  adze_buffer_add (to, bytes, size);
}

static void
copy_text (const void *context, adze_buffer *into)
{
  const reading *from = context;
  *from->error = read_all (from->ledger, take_into_text, into);
  into->failed = into->failed || *from->error;
}

adze_error *
adze_ledger_write (const adze_ledger *ledger, const char *path)
{
  ADZE_AUTO_ERROR unread = NULL;
  reading from = { ledger, &unread };
  ADZE_AUTO_ERROR error = adze_file_write_text (path, 0666, copy_text, &from);
  return unread ? adze_take (&unread) : adze_take (&error);
}

/* ---- Reading. */

/* What else stands under PATH is no ledger, and no error. */
adze_error *
adze_ledger_read (const char *path, adze_ledger **ledger)
{
  adze_ledger *fresh = make_closed (strdup (path));
  ledger_head head;
  struct stat status;
  *ledger = NULL;
  if (!fresh)
    return adze_error_memory ();
  adze_error *error = adze_file_open (path, &fresh->fd, &status);
  bool sound = !error && (uint64_t)status.st_size >= sizeof head;
  if (sound)
    error = adze_read_at (fresh->fd, path, 0, &head, sizeof head);
  sound = sound && !error && memcmp (head.magic, magic, sizeof magic) == 0 && head.entry > 0
          && head.size == (uint64_t)status.st_size - sizeof head && head.size % head.entry == 0;
  if (sound) {
    fresh->entry = head.entry;
    fresh->size = head.size;
    *ledger = fresh;
    return NULL;
  }
  adze_ledger_close (fresh);
  if (error && adze_error_status (error) == ADZE_E_NOT_FOUND) {
    adze_error_free (error);
    return NULL;
  }
  return error;
}

/* ---- Among notes. */

adze_error *
adze_ledger_keep (adze_ledger *ledger, adze_folder *folder, adze_hash128 segment, const char *id)
{
  ADZE_AUTO_FREE char *name = NULL;
  ADZE_AUTO_FREE char *path = NULL;
  adze_hash128 hash;
  ADZE_TRY (note_name (id, &name));
  ADZE_TRY (hash_all (ledger, &hash));
  if (fdatasync (ledger->fd) != 0)
    return adze_error_errno ("cannot sync %s", ledger->path);
  ADZE_TRY (adze_journal_note_file (folder, segment, name, ledger->path, hash,
                                    sizeof (ledger_head) + ledger->size, &path));
  free (ledger->path);
  ledger->path = adze_take (&path);
  ledger->passing = false;
  return NULL;
}

adze_error *
adze_ledger_find (const adze_folder *folder, adze_hash128 segment, const char *id,
                  adze_ledger **ledger)
{
  ADZE_AUTO_FREE char *name = NULL;
  ADZE_AUTO_FREE char *path = NULL;
  adze_ledger *found = NULL;
  adze_hash128 noted, hash;
  uint64_t size;
  *ledger = NULL;
  ADZE_TRY (note_name (id, &name));
  ADZE_TRY (adze_journal_noted_file (folder, segment, name, &noted, &size, &path));
  if (!path)
    return NULL;
  ADZE_TRY (adze_ledger_read (path, &found));
  if (!found)
    return NULL;
  adze_error *error = hash_all (found, &hash);
  if (error || sizeof (ledger_head) + found->size != size || !adze_hash_equal (hash, noted)) {
    adze_ledger_close (found);
    return error;
  }
  *ledger = found;
  return NULL;
}
