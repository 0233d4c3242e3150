/* SPDX-License-Identifier: Apache-2.0 */
/* run/known.c: files whose content was hashed, in RUNS/known.json: a list, oldest first, of
 *   { what, hash, file: "device:inode:size:mtime:ctime" in hexadecimal }
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "run/folder_private.h"

enum { KNOWN_FORMAT = 2, KNOWN_MOST = 10000 };
/* What a process that is killed has learnt since is lost, and hashed again. */
#define SAVE_EVERY_NS ((int64_t)1000000000)

/* ---- Entries. */

static adze_known_entry *
find (const adze_known *known, const adze_file_identity *identity, const char *what)
{
  for (size_t i = known->count; i-- > 0;)
    if (adze_file_identity_equal (&known->entries[i].identity, identity)
        && strcmp (known->entries[i].what, what) == 0)
      return &known->entries[i];
  return NULL;
}

static adze_error *
append (adze_known *known, const adze_file_identity *identity, const char *what,
        adze_hash128 hash, bool ours)
{
  if (known->count == known->capacity) {
    size_t capacity = known->capacity ? known->capacity * 2 : 64;
    adze_known_entry *grown = realloc (known->entries, capacity * sizeof *grown);
    if (!grown)
      return adze_error_memory ();
    known->entries = grown;
    known->capacity = capacity;
  }
  char *copy = strdup (what);
  if (!copy)
    return adze_error_memory ();
  known->entries[known->count++]
      = (adze_known_entry){ .identity = *identity, .hash = hash, .what = copy, .ours = ours };
  return NULL;
}

static void
drop (adze_known *known, size_t first, size_t count)
{
  for (size_t i = first; i < first + count; i++)
    free (known->entries[i].what);
  memmove (&known->entries[first], &known->entries[first + count],
           (known->count - first - count) * sizeof known->entries[0]);
  known->count -= count;
}

void
adze_known_close (adze_known *known)
{
  if (known->count > 0)
    drop (known, 0, known->count);
  free (known->entries);
  *known = (adze_known){ 0 };
}

/* ---- The file. */

static bool
parse_identity (const char *text, adze_file_identity *identity)
{
  uint64_t device, inode, size, mtime, ctime;
  int end = 0;
  if (sscanf (text, "%" SCNx64 ":%" SCNx64 ":%" SCNx64 ":%" SCNx64 ":%" SCNx64 "%n", &device,
              &inode, &size, &mtime, &ctime, &end)
          != 5
      || text[end] != '\0')
    return false;
  *identity = (adze_file_identity){ device, inode, size, (int64_t)mtime, (int64_t)ctime };
  return true;
}

/* Entries that make no sense are passed over: all that is lost is the time to hash a file. */
static adze_error *
take_entries (const adze_value *root, adze_known *known)
{
  const adze_value *format = adze_value_get (root, "format");
  const adze_value *list = adze_value_get (root, "files");
  if (!format || format->type != ADZE_VALUE_INT || format->integer != KNOWN_FORMAT || !list
      || list->type != ADZE_VALUE_LIST)
    return NULL;
  for (size_t i = 0; i < list->count; i++) {
    const char *what = adze_record_text (list->items[i], "what");
    const char *file = adze_record_text (list->items[i], "file");
    const char *text = adze_record_text (list->items[i], "hash");
    adze_file_identity identity;
    adze_hash128 hash;
    if (what && file && text && parse_identity (file, &identity) && adze_hash_parse (text, &hash))
      ADZE_TRY (append (known, &identity, what, hash, false));
  }
  return NULL;
}

/* A damaged file, or one that cannot be read, is as good as none. */
static adze_error *
read_file (const char *runs, adze_known *known)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/known.json", runs);
  ADZE_AUTO (adze_document) document = { 0 };
  bool found = false;
  if (!path)
    return adze_error_memory ();
  ADZE_AUTO_ERROR damaged = adze_record_read (path, &document, &found);
  if (adze_error_status (damaged) == ADZE_E_MEMORY)
    return adze_take (&damaged);
  return damaged || !found ? NULL : take_entries (document.root, known);
}

adze_error *
adze_known_read (adze_folder *folder)
{
  return read_file (folder->runs, &folder->known);
}

static adze_error *
write_file (const char *path, const adze_known *known)
{
  ADZE_AUTO_VALUE root = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_int (root, "format", KNOWN_FORMAT);
  adze_value *list = adze_json_list (root, "files");
  for (size_t i = 0; i < known->count; i++) {
    const adze_known_entry *entry = &known->entries[i];
    const adze_file_identity *file = &entry->identity;
    char identity[ADZE_IDENTITY_TEXT], hash[ADZE_HASH_TEXT];
    adze_file_identity_text (file, identity);
    adze_hash_text (entry->hash, hash);
    adze_value *table = adze_json_table (list, NULL);
    adze_json_string (table, "what", entry->what);
    adze_json_string (table, "hash", hash);
    adze_json_string (table, "file", identity);
  }
  return adze_json_failed (root) ? adze_error_memory () : adze_record_write (path, root);
}

/* What others have written since, with ours behind it as the newest. */
static adze_error *
merge (adze_folder *folder)
{
  adze_known merged = { 0 }, *mine = &folder->known;
  adze_error *error = read_file (folder->runs, &merged);
  for (size_t i = 0; !error && i < mine->count; i++) {
    const adze_known_entry *entry = &mine->entries[i];
    if (!entry->ours)
      continue;
    const adze_known_entry *old = find (&merged, &entry->identity, entry->what);
    if (old)
      drop (&merged, (size_t)(old - merged.entries), 1);
    error = append (&merged, &entry->identity, entry->what, entry->hash, true);
  }
  if (error) {
    adze_known_close (&merged);
    return error;
  }
  if (merged.count > KNOWN_MOST)
    drop (&merged, 0, merged.count - KNOWN_MOST);
  merged.changed = true;
  merged.saved_ns = mine->saved_ns;
  adze_known_close (mine);
  *mine = merged;
  return NULL;
}

/* A file of its own is locked, since known.json is replaced. The run's lock would not do: `adze
 * plan` learns what files hold, too, beside a run. */
static adze_error *
lock_known (const adze_folder *folder, int *fd)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/known.lock", folder->runs);
  if (!path)
    return adze_error_memory ();
  *fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
  int failed = *fd < 0 ? -1 : 0;
  while (!failed && flock (*fd, LOCK_EX) != 0)
    failed = errno == EINTR ? 0 : -1;
  if (!failed)
    return NULL;
  adze_error *error = adze_error_errno ("cannot lock %s", path);
  adze_error_set (error, "file", path);
  return error;
}

adze_error *
adze_known_save (adze_folder *folder)
{
  if (!folder->known.changed || folder->look)
    return NULL;
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/known.json", folder->runs);
  ADZE_AUTO_FD int lock = -1;
  if (!path)
    return adze_error_memory ();
  ADZE_TRY (lock_known (folder, &lock));
  ADZE_TRY (merge (folder));
  ADZE_TRY (write_file (path, &folder->known));
  folder->known.changed = false;
  folder->known.saved_ns = adze_monotonic_ns ();
  return NULL;
}

/* ---- For everybody. */

bool
adze_known_get (const adze_folder *folder, const adze_file_identity *identity, const char *what,
                adze_hash128 *hash)
{
  ADZE_HOLDING (folder);
  const adze_known_entry *entry = find (&folder->known, identity, what);
  if (entry)
    *hash = entry->hash;
  return entry != NULL;
}

adze_error *
adze_known_put (adze_folder *folder, const adze_file_identity *identity, const char *what,
                adze_hash128 hash)
{
  ADZE_HOLDING (folder);
  adze_known *known = &folder->known;
  const adze_known_entry *old = find (known, identity, what);
  if (old)
    drop (known, (size_t)(old - known->entries), 1);
  ADZE_TRY (append (known, identity, what, hash, true));
  known->changed = true;
  bool late = adze_monotonic_ns () - known->saved_ns >= SAVE_EVERY_NS;
  return late ? adze_known_save (folder) : NULL;
}
