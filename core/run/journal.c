/* SPDX-License-Identifier: Apache-2.0 */
/* run/journal.c: what was done inside segments, line by line:
 *
 *   t SEGMENT TENSOR HASH BOOT SUM           a tensor was written
 *   n SEGMENT NAME HASH SIZE BOOT SUM        a note lies in notes/SEGMENT.NAME
 *   f SEGMENT BOOT SUM                       what was said of the segment before holds no more
 *
 * NAME is the hash of a note's name; SUM the XXH3 of all that stands before it in the line. A line
 * whose sum is wrong was cut short or damaged, and is passed over.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <xxhash.h>

#include "base/digest.h"
#include "run/folder_private.h"

enum { LINE_MOST = 512, READ_SIZE = 64 << 10, FIELDS_MOST = 6, SUM_SIZE = 17 };
#define SYNC_EVERY_NS ((int64_t)1000000000)

static adze_hash128
hash_of (const void *bytes, size_t size)
{
  XXH128_hash_t hash = XXH3_128bits (bytes, size);
  return (adze_hash128){ .low = hash.low64, .high = hash.high64 };
}

/* ---- In memory. */

/* The place of a segment, from 1; 0: nothing is known of it. */
static uint32_t
segment_place (const adze_journal *journal, adze_hash128 key)
{
  for (size_t i = journal->segment_count; i-- > 0;)
    if (!journal->segments[i].forgotten && adze_hash_equal (journal->segments[i].key, key))
      return (uint32_t)i + 1;
  return 0;
}

static adze_error *
segment_make (adze_journal *journal, adze_hash128 key, uint32_t *place)
{
  *place = segment_place (journal, key);
  if (*place)
    return NULL;
  if (journal->segment_count >= UINT32_MAX - 1)
    return adze_error_new (ADZE_E_LIMIT, "%s is about too many segments", journal->file.path);
  adze_journal_segment *grown
      = realloc (journal->segments, (journal->segment_count + 1) * sizeof *grown);
  if (!grown)
    return adze_error_memory ();
  journal->segments = grown;
  grown[journal->segment_count++] = (adze_journal_segment){ .key = key };
  *place = (uint32_t)journal->segment_count;
  return NULL;
}

/* Where an entry lies, or would lie. There is always a free place. */
static adze_journal_entry *
entry_place (adze_journal_entry *entries, size_t capacity, uint32_t segment, uint64_t tensor)
{
  uint64_t key[2] = { segment, tensor };
  size_t at = (size_t)XXH3_64bits (key, sizeof key) & (capacity - 1);
  while (entries[at].segment
         && (entries[at].segment != segment || entries[at].tensor != tensor))
    at = (at + 1) & (capacity - 1);
  return &entries[at];
}

static adze_error *
make_room (adze_journal *journal)
{
  if (journal->entry_count < journal->capacity / 4 * 3)
    return NULL;
  size_t capacity = journal->capacity ? journal->capacity * 2 : 64;
  adze_journal_entry *grown = calloc (capacity, sizeof *grown);
  if (!grown)
    return adze_error_memory ();
  for (size_t i = 0; i < journal->capacity; i++) {
    const adze_journal_entry *entry = &journal->entries[i];
    if (entry->segment)
      *entry_place (grown, capacity, entry->segment, entry->tensor) = *entry;
  }
  free (journal->entries);
  journal->entries = grown;
  journal->capacity = capacity;
  return NULL;
}

static adze_error *
remember (adze_journal *journal, adze_hash128 segment, uint64_t tensor, adze_hash128 hash,
          bool sure)
{
  uint32_t place = 0;
  ADZE_TRY (segment_make (journal, segment, &place));
  ADZE_TRY (make_room (journal));
  adze_journal_entry *entry
      = entry_place (journal->entries, journal->capacity, place, tensor);
  journal->entry_count += entry->segment == 0;
  *entry = (adze_journal_entry){ tensor, hash, place, sure };
  return NULL;
}

static adze_journal_fact *
find_fact (const adze_journal *journal, adze_hash128 segment, adze_hash128 name)
{
  uint32_t place = segment_place (journal, segment);
  for (size_t i = 0; place && i < journal->fact_count; i++)
    if (journal->facts[i].segment == place && adze_hash_equal (journal->facts[i].name, name))
      return &journal->facts[i];
  return NULL;
}

static adze_error *
remember_fact (adze_journal *journal, adze_hash128 segment, adze_hash128 name, adze_hash128 hash,
               uint64_t size)
{
  uint32_t place = 0;
  ADZE_TRY (segment_make (journal, segment, &place));
  adze_journal_fact *fact = find_fact (journal, segment, name);
  if (!fact) {
    adze_journal_fact *grown
        = realloc (journal->facts, (journal->fact_count + 1) * sizeof *grown);
    if (!grown)
      return adze_error_memory ();
    journal->facts = grown;
    fact = &grown[journal->fact_count++];
  }
  *fact = (adze_journal_fact){ place, name, hash, size };
  return NULL;
}

static void
forget (adze_journal *journal, adze_hash128 segment)
{
  uint32_t place = segment_place (journal, segment);
  if (place)
    journal->segments[place - 1].forgotten = true;
}

/* ---- Reading lines. */

static bool
read_number (const char *text, int base, uint64_t *number)
{
  char *end = NULL;
  if (!text[0] || text[0] == '-' || text[0] == '+' || text[0] == ' ')
    return false;
  errno = 0;
  *number = strtoull (text, &end, base);
  return errno == 0 && *end == '\0';
}

/* "... SUM": cuts the sum off. */
static bool
sum_is_right (char *line, size_t size)
{
  uint64_t sum;
  if (size <= SUM_SIZE || line[size - SUM_SIZE] != ' ')
    return false;
  line[size - SUM_SIZE] = '\0';
  return read_number (line + size - SUM_SIZE + 1, 16, &sum)
         && sum == adze_hash64 (line, size - SUM_SIZE, 0);
}

static size_t
split (char *line, char *fields[FIELDS_MOST])
{
  size_t count = 0;
  for (char *rest = line, *field; count < FIELDS_MOST && (field = strsep (&rest, " "));)
    fields[count++] = field;
  return count;
}

static adze_error *
take_line (adze_journal *journal, char *line, size_t size)
{
  char *fields[FIELDS_MOST];
  adze_hash128 segment, name, hash;
  uint64_t number, boot;
  if (!sum_is_right (line, size))
    return NULL;
  size_t count = split (line, fields);
  if (count < 3 || !adze_hash_parse (fields[1], &segment)
      || !read_number (fields[count - 1], 16, &boot))
    return NULL;
  if (strcmp (fields[0], "f") == 0)
    forget (journal, segment);
  if (strcmp (fields[0], "t") == 0 && count == 5 && read_number (fields[2], 10, &number)
      && adze_hash_parse (fields[3], &hash))
    return remember (journal, segment, number, hash, boot && boot == journal->boot);
  if (strcmp (fields[0], "n") == 0 && count == 6 && adze_hash_parse (fields[2], &name)
      && adze_hash_parse (fields[3], &hash) && read_number (fields[4], 10, &number))
    return remember_fact (journal, segment, name, hash, number);
  return NULL;
}

/* All whole lines among SIZE bytes; *USED: so many of them are done with. */
static adze_error *
take_lines (adze_journal *journal, char *bytes, size_t size, size_t *used)
{
  *used = 0;
  for (char *end; (end = memchr (bytes + *used, '\n', size - *used));) {
    char *line = bytes + *used;
    size_t length = (size_t)(end - line);
    *used += length + 1;
    *end = '\0';
    if (length < LINE_MOST && !memchr (line, '\0', length))
      ADZE_TRY (take_line (journal, line, length));
  }
  return NULL;
}

static adze_error *
read_all (adze_journal *journal, int fd, const char *path)
{
  ADZE_AUTO_FREE char *bytes = malloc (READ_SIZE);
  if (!bytes)
    return adze_error_memory ();
  size_t size = 0;
  for (off_t at = 0;;) {
    ssize_t got = pread (fd, bytes + size, READ_SIZE - size, at);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0) {
      adze_error *error = adze_error_errno ("cannot read %s", path);
      adze_error_set (error, "file", path);
      return error;
    }
    if (got == 0)
      return NULL;
    at += got;
    size += (size_t)got;
    size_t used = 0;
    ADZE_TRY (take_lines (journal, bytes, size, &used));
    /* No line of ours is that long: what cannot be one is thrown away up to the next line's end. */
    if (used == 0 && size == READ_SIZE)
      used = size;
    size -= used;
    memmove (bytes, bytes + used, size);
  }
}

/* Which start of the machine is this? 0: nobody knows. */
static adze_error *
read_boot (uint64_t *boot)
{
  ADZE_AUTO_FREE char *text = NULL;
  size_t size = 0;
  ADZE_AUTO_ERROR error = adze_file_read ("/proc/sys/kernel/random/boot_id", 4096, &text, &size);
  *boot = error || size == 0 ? 0 : adze_hash64 (text, size, 0);
  return adze_error_status (error) == ADZE_E_MEMORY ? adze_take (&error) : NULL;
}

static adze_error *
read_only (adze_journal *journal, const char *folder)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/journal", folder);
  ADZE_AUTO_FD int fd = -1;
  if (!path)
    return adze_error_memory ();
  adze_error *error = adze_file_open (path, &fd, NULL);
  if (!error)
    return read_all (journal, fd, path);
  if (adze_error_status (error) != ADZE_E_NOT_FOUND)
    return error;
  adze_error_free (error);
  return NULL;
}

adze_error *
adze_journal_open (adze_journal *journal, const char *path, bool look)
{
  ADZE_TRY (read_boot (&journal->boot));
  journal->synced_ns = adze_monotonic_ns ();
  if (look)
    return read_only (journal, path);
  ADZE_TRY (adze_append_open (path, "journal", &journal->file));
  return read_all (journal, journal->file.fd, journal->file.path);
}

void
adze_journal_close (adze_journal *journal)
{
  adze_append_close (&journal->file);
  free (journal->segments);
  free (journal->facts);
  free (journal->entries);
  *journal = (adze_journal){ .file = ADZE_APPEND_INIT };
}

/* ---- Writing lines. */

/* TEXT is the line up to its sum. */
static adze_error *
write_line (adze_folder *folder, char line[LINE_MOST])
{
  adze_journal *journal = &folder->journal;
  if (journal->file.fd < 0)
    return adze_error_new (ADZE_E_INTERNAL, "a run that is only looked at has no journal");
  ADZE_TRY (adze_lines_flush (folder, false));
  size_t size = strlen (line);
  int more = snprintf (line + size, LINE_MOST - size, " %016" PRIx64 "\n",
                       adze_hash64 (line, size, 0));
  return adze_append_write (&journal->file, line, size + (size_t)more);
}

adze_error *
adze_journal_sync (adze_journal *journal)
{
  journal->synced_ns = adze_monotonic_ns ();
  if (fdatasync (journal->file.fd) == 0 || errno == EINVAL || errno == EROFS)
    return NULL;
  adze_error *error = adze_error_errno ("cannot sync %s", journal->file.path);
  adze_error_set (error, "file", journal->file.path);
  return error;
}

/* Others go on adding lines while one of them waits for the disk. */
static adze_error *
sync_now_and_then (adze_folder *folder)
{
  adze_journal *journal = &folder->journal;
  if (journal->syncing || adze_monotonic_ns () - journal->synced_ns < SYNC_EVERY_NS)
    return NULL;
  journal->syncing = true;
  pthread_mutex_unlock (&folder->mutex);
  bool failed = fdatasync (journal->file.fd) != 0 && errno != EINVAL && errno != EROFS;
  adze_error *error = failed ? adze_error_errno ("cannot sync %s", journal->file.path) : NULL;
  pthread_mutex_lock (&folder->mutex);
  adze_error_set (error, "file", journal->file.path);
  journal->syncing = false;
  journal->synced_ns = adze_monotonic_ns ();
  return error;
}

adze_error *
adze_journal_add (adze_folder *folder, adze_hash128 segment, uint64_t tensor, adze_hash128 hash)
{
  char line[LINE_MOST], segment_text[ADZE_HASH_TEXT], hash_text[ADZE_HASH_TEXT];
  adze_hash_text (segment, segment_text);
  adze_hash_text (hash, hash_text);
  ADZE_HOLDING (folder);
  snprintf (line, sizeof line, "t %s %" PRIu64 " %s %016" PRIx64, segment_text, tensor, hash_text,
            folder->journal.boot);
  ADZE_TRY (write_line (folder, line));
  ADZE_TRY (remember (&folder->journal, segment, tensor, hash, folder->journal.boot != 0));
  return sync_now_and_then (folder);
}

bool
adze_journal_has (const adze_folder *folder, adze_hash128 segment, uint64_t tensor,
                  adze_hash128 *hash, bool *sure)
{
  ADZE_HOLDING (folder);
  const adze_journal *journal = &folder->journal;
  uint32_t place = segment_place (journal, segment);
  if (!place || !journal->capacity)
    return false;
  const adze_journal_entry *entry
      = entry_place (journal->entries, journal->capacity, place, tensor);
  if (!entry->segment)
    return false;
  *hash = entry->hash;
  *sure = entry->sure;
  return true;
}

/* ---- Notes. */

static char *
note_path (const adze_folder *folder, adze_hash128 segment, adze_hash128 name)
{
  char segment_text[ADZE_HASH_TEXT], name_text[ADZE_HASH_TEXT];
  adze_hash_text (segment, segment_text);
  adze_hash_text (name, name_text);
  return adze_text_format ("%s/notes/%s.%s", folder->path, segment_text, name_text);
}

/* The folder is held; what is noted lies in its file. */
static adze_error *
note_line (adze_folder *folder, adze_hash128 segment, adze_hash128 name, adze_hash128 hash,
           uint64_t size)
{
  char line[LINE_MOST], texts[3][ADZE_HASH_TEXT];
  adze_hash_text (segment, texts[0]);
  adze_hash_text (name, texts[1]);
  adze_hash_text (hash, texts[2]);
  snprintf (line, sizeof line, "n %s %s %s %" PRIu64 " %016" PRIx64, texts[0], texts[1], texts[2],
            size, folder->journal.boot);
  ADZE_TRY (write_line (folder, line));
  ADZE_TRY (remember_fact (&folder->journal, segment, name, hash, size));
  return adze_journal_sync (&folder->journal);
}

adze_error *
adze_journal_note (adze_folder *folder, adze_hash128 segment, const char *name, const void *data,
                   size_t size)
{
  adze_hash128 name_hash = hash_of (name, strlen (name));
  ADZE_HOLDING (folder);
  ADZE_AUTO_FREE char *path = note_path (folder, segment, name_hash);
  if (!path)
    return adze_error_memory ();
  ADZE_TRY (adze_file_write (path, data, size, 0666));
  return note_line (folder, segment, name_hash, hash_of (data, size), size);
}

adze_error *
adze_journal_note_file (adze_folder *folder, adze_hash128 segment, const char *name,
                        const char *file, adze_hash128 hash, uint64_t size, char **path)
{
  adze_hash128 name_hash = hash_of (name, strlen (name));
  ADZE_HOLDING (folder);
  ADZE_AUTO_FREE char *notes = adze_text_format ("%s/notes", folder->path);
  ADZE_AUTO_FREE char *own = note_path (folder, segment, name_hash);
  if (!notes || !own)
    return adze_error_memory ();
  ADZE_TRY (adze_folder_make (notes));
  if (rename (file, own) != 0)
    return adze_error_errno ("cannot rename %s to %s", file, own);
  *path = adze_take (&own);
  return note_line (folder, segment, name_hash, hash, size);
}

adze_error *
adze_journal_noted_file (const adze_folder *folder, adze_hash128 segment, const char *name,
                         adze_hash128 *hash, uint64_t *size, char **path)
{
  *path = NULL;
  ADZE_HOLDING (folder);
  adze_hash128 name_hash = hash_of (name, strlen (name));
  const adze_journal_fact *fact = find_fact (&folder->journal, segment, name_hash);
  if (!fact)
    return NULL;
  *hash = fact->hash;
  *size = fact->size;
  *path = note_path (folder, segment, name_hash);
  return *path ? NULL : adze_error_memory ();
}

adze_error *
adze_journal_noted (const adze_folder *folder, adze_hash128 segment, const char *name, void **data,
                    size_t *size)
{
  *data = NULL;
  *size = 0;
  ADZE_HOLDING (folder);
  adze_hash128 name_hash = hash_of (name, strlen (name));
  const adze_journal_fact *fact = find_fact (&folder->journal, segment, name_hash);
  if (!fact || fact->size > SIZE_MAX - 1)
    return NULL;
  ADZE_AUTO_FREE char *path = note_path (folder, segment, name_hash);
  ADZE_AUTO_FREE char *bytes = NULL;
  size_t got = 0;
  if (!path)
    return adze_error_memory ();
  ADZE_AUTO_ERROR error = adze_file_read (path, (size_t)fact->size, &bytes, &got);
  if (adze_error_status (error) == ADZE_E_MEMORY)
    return adze_take (&error);
  if (error || got != fact->size || !adze_hash_equal (hash_of (bytes, got), fact->hash))
    return NULL;
  *data = adze_take (&bytes);
  *size = got;
  return NULL;
}

adze_error *
adze_journal_forget (adze_folder *folder, adze_hash128 segment)
{
  char line[LINE_MOST], segment_text[ADZE_HASH_TEXT];
  adze_hash_text (segment, segment_text);
  ADZE_HOLDING (folder);
  adze_journal *journal = &folder->journal;
  uint32_t place = segment_place (journal, segment);
  if (!place)
    return NULL;
  snprintf (line, sizeof line, "f %s %016" PRIx64, segment_text, journal->boot);
  ADZE_TRY (write_line (folder, line));
  for (size_t i = 0; i < journal->fact_count; i++) {
    if (journal->facts[i].segment != place)
      continue;
    ADZE_AUTO_FREE char *path = note_path (folder, segment, journal->facts[i].name);
    if (path)
      unlink (path);
  }
  forget (journal, segment);
  return NULL;
}
