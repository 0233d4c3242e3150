/* SPDX-License-Identifier: Apache-2.0 */
/* The registry's memory. See cache.h. */
#include "plugin/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include <adze/abi.h>

#include "base/json.h"

enum { CACHE_FORMAT = 1, CACHE_SIZE_MOST = 64 << 20 };

struct adze_cache {
  char *path;
  /* {"format", "abi", "adze", "entries": [{"path", "object", "manifest", "facts"}]}; entries that
   * this process put carry fresh = true, which is not written. */
  adze_document document;
  adze_error *complaint;
  bool changed;
  bool forgotten;
};

/* ---- Entries. */

static adze_value *
entries_of (const adze_document *document)
{
  return (adze_value *)adze_value_get (document->root, "entries");
}

static const char *
text_at (const adze_value *table, const char *key)
{
  const adze_value *value = adze_value_get (table, key);
  return value && value->type == ADZE_VALUE_STRING ? value->string : NULL;
}

/* As text, since an inode number may be larger than JSON's readers take. */
static char *
identity_text (const adze_file_identity *identity)
{
  return adze_text_format ("%llx:%llx:%llx:%llx:%llx", (unsigned long long)identity->device,
                           (unsigned long long)identity->inode,
                           (unsigned long long)identity->size,
                           (unsigned long long)identity->mtime_ns,
                           (unsigned long long)identity->ctime_ns);
}

static adze_value *
find_entry (const adze_document *document, const char *path)
{
  const adze_value *entries = entries_of (document);
  for (size_t i = 0; entries && i < entries->count; i++) {
    const char *known = text_at (entries->items[i], "path");
    if (known && strcmp (known, path) == 0)
      return entries->items[i];
  }
  return NULL;
}

static bool
entry_is_about (const adze_value *entry, const adze_cache_key *key)
{
  ADZE_AUTO_FREE char *object = identity_text (&key->object);
  ADZE_AUTO_FREE char *manifest = identity_text (&key->manifest);
  const char *known_object = text_at (entry, "object");
  const char *known_manifest = text_at (entry, "manifest");
  return object && manifest && known_object && known_manifest && strcmp (object, known_object) == 0
         && strcmp (manifest, known_manifest) == 0;
}

const adze_value *
adze_cache_get (const adze_cache *cache, const adze_cache_key *key)
{
  const adze_value *entry = find_entry (&cache->document, key->path);
  if (!entry || !entry_is_about (entry, key))
    return NULL;
  const adze_value *facts = adze_value_get (entry, "facts");
  return facts && facts->type == ADZE_VALUE_TABLE ? facts : NULL;
}

static void
remove_entry (adze_value *entries, const adze_value *entry)
{
  for (size_t i = 0; i < entries->count; i++)
    if (entries->items[i] == entry) {
      adze_value_free (entries->items[i]);
      memmove (&entries->items[i], &entries->items[i + 1],
               (entries->count - i - 1) * sizeof entries->items[0]);
      entries->count--;
      return;
    }
}

adze_error *
adze_cache_put (adze_cache *cache, const adze_cache_key *key, adze_value *facts)
{
  ADZE_AUTO_VALUE facts_owned = facts;
  ADZE_AUTO_VALUE entry = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO_FREE char *object = identity_text (&key->object);
  ADZE_AUTO_FREE char *manifest = identity_text (&key->manifest);
  adze_value *entries = entries_of (&cache->document);
  if (!facts || !entry || !object || !manifest || !entries)
    return adze_error_memory ();
  adze_json_string (entry, "path", key->path);
  adze_json_string (entry, "object", object);
  adze_json_string (entry, "manifest", manifest);
  if (adze_json_failed (entry))
    return adze_error_memory ();
  ADZE_TRY (adze_value_append (entry, "facts", adze_take (&facts_owned)));
  /* All of them: a damaged file may have several, and the first is the one that would be found. */
  for (adze_value *old; (old = find_entry (&cache->document, key->path));)
    remove_entry (entries, old);
  entry->boolean = true; /* ours, to be merged at save */
  cache->changed = true;
  return adze_value_append (entries, NULL, adze_take (&entry));
}

/* ---- The file. */

static char *
abi_text (void)
{
  return adze_text_format ("%u.%u", (unsigned)ADZE_ABI_MAJOR, (unsigned)ADZE_ABI_MINOR);
}

static adze_error *
make_empty (adze_document *document)
{
  ADZE_AUTO_FREE char *abi = abi_text ();
  adze_document_cleanup (document);
  document->root = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_int (document->root, "format", CACHE_FORMAT);
  adze_json_string (document->root, "abi", abi ? abi : "");
  adze_json_string (document->root, "adze", adze_version ());
  adze_json_list (document->root, "entries");
  return adze_json_failed (document->root) ? adze_error_memory () : NULL;
}

/* Another version's cache is sound and of no use: what it learnt may depend on its rules. */
static bool
is_ours (const adze_document *document)
{
  ADZE_AUTO_FREE char *abi = abi_text ();
  const adze_value *format = adze_value_get (document->root, "format");
  const char *known_abi = text_at (document->root, "abi");
  const char *known_version = text_at (document->root, "adze");
  const adze_value *entries = entries_of (document);
  return format && format->type == ADZE_VALUE_INT && format->integer == CACHE_FORMAT && abi
         && known_abi && strcmp (known_abi, abi) == 0 && known_version
         && strcmp (known_version, adze_version ()) == 0 && entries
         && entries->type == ADZE_VALUE_LIST;
}

/* Ends with a usable document unless memory ran out. The complaint is the reason for an empty one. */
static adze_error *
read_file (const char *path, adze_document *document, adze_error **complaint)
{
  ADZE_AUTO_FREE char *text = NULL;
  size_t size = 0;
  if (path && access (path, F_OK) == 0) {
    *complaint = adze_file_read (path, CACHE_SIZE_MOST, &text, &size);
    if (!*complaint)
      *complaint = adze_json_parse (path, text, size, document);
    if (!*complaint && is_ours (document))
      return NULL;
  }
  return make_empty (document);
}

adze_error *
adze_cache_open (const char *path, adze_cache **cache)
{
  adze_cache *fresh = calloc (1, sizeof *fresh);
  if (!fresh)
    return adze_error_memory ();
  adze_error *error = NULL;
  if (path && !(fresh->path = strdup (path)))
    error = adze_error_memory ();
  if (!error)
    error = read_file (path, &fresh->document, &fresh->complaint);
  if (error) {
    adze_cache_free (fresh);
    return error;
  }
  fresh->changed = fresh->complaint != NULL;
  *cache = fresh;
  return NULL;
}

void
adze_cache_free (adze_cache *cache)
{
  if (!cache)
    return;
  adze_document_cleanup (&cache->document);
  adze_error_free (cache->complaint);
  free (cache->path);
  free (cache);
}

const adze_error *
adze_cache_complaint (const adze_cache *cache)
{
  return cache->complaint;
}

void
adze_cache_forget (adze_cache *cache)
{
  adze_value *entries = entries_of (&cache->document);
  while (entries && entries->count > 0)
    remove_entry (entries, entries->items[entries->count - 1]);
  cache->forgotten = true;
  cache->changed = true;
}

/* Takes over what other processes have written since we read: everything that we did not put
 * ourselves, and whose file still exists. */
static adze_error *
merge (adze_cache *cache)
{
  ADZE_AUTO (adze_document) others = { 0 };
  ADZE_AUTO_ERROR complaint = NULL;
  ADZE_TRY (read_file (cache->path, &others, &complaint));
  adze_value *mine = entries_of (&cache->document);
  const adze_value *theirs = entries_of (&others);
  for (size_t i = mine->count; i-- > 0;)
    if (!mine->items[i]->boolean)
      remove_entry (mine, mine->items[i]);
  for (size_t i = 0; !cache->forgotten && i < theirs->count; i++) {
    const char *path = text_at (theirs->items[i], "path");
    if (!path || find_entry (&cache->document, path) || access (path, F_OK) != 0)
      continue;
    adze_value *copy = adze_value_copy (theirs->items[i]);
    if (!copy)
      return adze_error_memory ();
    ADZE_TRY (adze_value_append (mine, NULL, copy));
  }
  return NULL;
}

static adze_error *
save_locked (adze_cache *cache)
{
  ADZE_TRY (merge (cache));
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_json_write (cache->document.root, 0, &text);
  adze_buffer_text (&text, "\n");
  if (text.failed)
    return adze_error_memory ();
  ADZE_TRY (adze_file_write (cache->path, text.data, text.size, 0600));
  cache->changed = false;
  return NULL;
}

/* The lock is a file of its own: the cache itself is replaced, and a lock on the old one would
 * keep nobody out of the new one. */
static adze_error *
take_lock (const char *path, int *fd)
{
  ADZE_AUTO_FREE char *lock = adze_text_format ("%s.lock", path);
  ADZE_AUTO_FREE char *folder = strdup (path);
  if (!lock || !folder)
    return adze_error_memory ();
  *strrchr (folder, '/') = '\0';
  ADZE_TRY (adze_folder_make (folder));
  *fd = open (lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (*fd < 0)
    return adze_error_errno ("cannot open %s", lock);
  while (flock (*fd, LOCK_EX) != 0)
    if (errno != EINTR)
      return adze_error_errno ("cannot lock %s", lock);
  return NULL;
}

adze_error *
adze_cache_save (adze_cache *cache)
{
  if (!cache->path || !cache->changed)
    return NULL;
  ADZE_AUTO_FD int lock = -1;
  ADZE_TRY (take_lock (cache->path, &lock));
  return save_locked (cache);
}
