/* SPDX-License-Identifier: Apache-2.0 */
/* The registry's memory. See cache.h. */
#include "plugin/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include <adze/abi.h>

#include "base/digest.h"
#include "base/json.h"

enum { CACHE_FORMAT = 2, CACHE_SIZE_MOST = 64 << 20 };

/* What is known of the plugins of one folder. */
typedef struct shelf {
  char *folder; /* their path up to their names, so that it ends in a slash */
  char *file;   /* NULL: it is not kept */
  /* {"format", "abi", "adze", "folder", "entries": [{"name", "object", "manifest", "facts"}]};
   * entries that this process put carry boolean = true, which is not written. */
  adze_document document;
  adze_error *complaint; /* NULL: none, or somebody was told */
  bool changed;
  struct shelf *next;
} shelf;

struct adze_cache {
  char *path;
  shelf *shelves; /* those that were asked for */
  bool forgotten; /* what lies in the files does not count, and they are to go at the next save */
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
find_entry (const adze_document *document, const char *name)
{
  const adze_value *entries = entries_of (document);
  for (size_t i = 0; entries && i < entries->count; i++) {
    const char *known = text_at (entries->items[i], "name");
    if (known && strcmp (known, name) == 0)
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

static adze_error *
make_entry (const adze_cache_key *key, adze_value *facts, adze_value **made)
{
  ADZE_AUTO_VALUE facts_owned = facts;
  ADZE_AUTO_VALUE entry = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO_FREE char *object = identity_text (&key->object);
  ADZE_AUTO_FREE char *manifest = identity_text (&key->manifest);
  if (!facts || !entry || !object || !manifest)
    return adze_error_memory ();
  adze_json_string (entry, "name", adze_path_base (key->path));
  adze_json_string (entry, "object", object);
  adze_json_string (entry, "manifest", manifest);
  if (adze_json_failed (entry))
    return adze_error_memory ();
  ADZE_TRY (adze_value_append (entry, "facts", adze_take (&facts_owned)));
  entry->boolean = true; /* ours, to be merged at save */
  *made = adze_take (&entry);
  return NULL;
}

/* ---- A file. */

static char *
abi_text (void)
{
  return adze_text_format ("%u.%u", (unsigned)ADZE_ABI_MAJOR, (unsigned)ADZE_ABI_MINOR);
}

static adze_error *
make_empty (const char *folder, adze_document *document)
{
  ADZE_AUTO_FREE char *abi = abi_text ();
  adze_document_cleanup (document);
  document->root = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_int (document->root, "format", CACHE_FORMAT);
  adze_json_string (document->root, "abi", abi ? abi : "");
  adze_json_string (document->root, "adze", adze_version ());
  adze_json_string (document->root, "folder", folder);
  adze_json_list (document->root, "entries");
  return adze_json_failed (document->root) ? adze_error_memory () : NULL;
}

/* Another version's cache is sound and of no use: what it learnt may depend on its rules. So is what
 * was learnt of another folder, be it that the file was moved or that two hashes are the same. */
static bool
is_ours (const char *folder, const adze_document *document)
{
  ADZE_AUTO_FREE char *abi = abi_text ();
  const adze_value *format = adze_value_get (document->root, "format");
  const char *known_abi = text_at (document->root, "abi");
  const char *known_version = text_at (document->root, "adze");
  const char *known_folder = text_at (document->root, "folder");
  const adze_value *entries = entries_of (document);
  return format && format->type == ADZE_VALUE_INT && format->integer == CACHE_FORMAT && abi
         && known_abi && strcmp (known_abi, abi) == 0 && known_version
         && strcmp (known_version, adze_version ()) == 0 && known_folder
         && strcmp (known_folder, folder) == 0 && entries
         && entries->type == ADZE_VALUE_LIST;
}

/* Ends with a usable document unless memory ran out. The complaint is the reason for an empty one. */
static adze_error *
read_file (const char *file, const char *folder, adze_document *document, adze_error **complaint)
{
  ADZE_AUTO_FREE char *text = NULL;
  size_t size = 0;
  if (file && access (file, F_OK) == 0) {
    *complaint = adze_file_read (file, CACHE_SIZE_MOST, &text, &size);
    if (!*complaint)
      *complaint = adze_json_parse (file, text, size, document);
    if (!*complaint && is_ours (folder, document))
      return NULL;
    /* That says nothing of the file, which must not be written anew for it. */
    if (*complaint && adze_error_status (*complaint) == ADZE_E_MEMORY)
      return adze_take (complaint);
  }
  return make_empty (folder, document);
}

/* ---- The files of all folders. */

static void
shelf_free (shelf *one)
{
  if (!one)
    return;
  adze_document_cleanup (&one->document);
  adze_error_free (one->complaint);
  free (one->folder);
  free (one->file);
  free (one);
}

static void
drop_shelves (adze_cache *cache)
{
  for (shelf *one; (one = cache->shelves);) {
    cache->shelves = one->next;
    shelf_free (one);
  }
}

/* A name of a fixed length, whatever the folder's path is like. */
static char *
file_of (const adze_cache *cache, const char *folder)
{
  return cache->path
             ? adze_text_format ("%s/%016llx.json", cache->path,
                                 (unsigned long long)adze_hash64 (folder, strlen (folder), 0))
             : NULL;
}

static char *
folder_of (const char *path)
{
  return strndup (path, (size_t)(adze_path_base (path) - path));
}

char *
adze_cache_file (const adze_cache *cache, const char *path)
{
  ADZE_AUTO_FREE char *folder = folder_of (path);
  return folder ? file_of (cache, folder) : NULL;
}

static adze_error *
fill_shelf (const adze_cache *cache, const char *path, shelf *one)
{
  one->folder = folder_of (path);
  one->file = one->folder ? file_of (cache, one->folder) : NULL;
  if (!one->folder || (cache->path && !one->file))
    return adze_error_memory ();
  if (cache->forgotten)
    return make_empty (one->folder, &one->document);
  ADZE_TRY (read_file (one->file, one->folder, &one->document, &one->complaint));
  one->changed = one->complaint != NULL;
  return NULL;
}

static shelf *
find_shelf (const adze_cache *cache, const char *path)
{
  size_t length = (size_t)(adze_path_base (path) - path);
  for (shelf *one = cache->shelves; one; one = one->next)
    if (strlen (one->folder) == length && memcmp (one->folder, path, length) == 0)
      return one;
  return NULL;
}

/* What is known of the folder that the plugin file PATH lies in, read when it is first asked for. */
static adze_error *
shelf_of (adze_cache *cache, const char *path, shelf **found)
{
  *found = find_shelf (cache, path);
  if (*found)
    return NULL;
  shelf *fresh = calloc (1, sizeof *fresh);
  if (!fresh)
    return adze_error_memory ();
  adze_error *error = fill_shelf (cache, path, fresh);
  if (error) {
    shelf_free (fresh);
    return error;
  }
  fresh->next = cache->shelves;
  *found = cache->shelves = fresh;
  return NULL;
}

const adze_value *
adze_cache_get (adze_cache *cache, const adze_cache_key *key)
{
  shelf *one = NULL;
  ADZE_AUTO_ERROR error = shelf_of (cache, key->path, &one);
  const adze_value *entry = error ? NULL : find_entry (&one->document, adze_path_base (key->path));
  if (!entry || !entry_is_about (entry, key))
    return NULL;
  const adze_value *facts = adze_value_get (entry, "facts");
  return facts && facts->type == ADZE_VALUE_TABLE ? facts : NULL;
}

adze_error *
adze_cache_put (adze_cache *cache, const adze_cache_key *key, adze_value *facts)
{
  ADZE_AUTO_VALUE entry = NULL;
  shelf *one = NULL;
  ADZE_TRY (make_entry (key, facts, &entry));
  ADZE_TRY (shelf_of (cache, key->path, &one));
  adze_value *entries = entries_of (&one->document);
  /* All of them: a damaged file may have several, and the first is the one that would be found. */
  for (adze_value *old; (old = find_entry (&one->document, adze_path_base (key->path)));)
    remove_entry (entries, old);
  one->changed = true;
  return adze_value_append (entries, NULL, adze_take (&entry));
}

adze_error *
adze_cache_open (const char *path, adze_cache **cache)
{
  adze_cache *fresh = calloc (1, sizeof *fresh);
  if (!fresh || (path && !(fresh->path = strdup (path)))) {
    free (fresh);
    return adze_error_memory ();
  }
  *cache = fresh;
  return NULL;
}

void
adze_cache_free (adze_cache *cache)
{
  if (!cache)
    return;
  drop_shelves (cache);
  free (cache->path);
  free (cache);
}

adze_error *
adze_cache_complaint (adze_cache *cache)
{
  for (shelf *one = cache->shelves; one; one = one->next)
    if (one->complaint)
      return adze_take (&one->complaint);
  return NULL;
}

void
adze_cache_forget (adze_cache *cache)
{
  drop_shelves (cache);
  cache->forgotten = true;
}

/* ---- Writing. */

/* Whether the plugin file NAME is still in the folder. */
static bool
is_there (const shelf *one, const char *name)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s%s", one->folder, name);
  return path && access (path, F_OK) == 0;
}

/* Takes over what other processes have written since we read: everything that we did not put
 * ourselves, and whose file still exists. */
static adze_error *
merge (shelf *one)
{
  ADZE_AUTO (adze_document) others = { 0 };
  ADZE_AUTO_ERROR complaint = NULL;
  ADZE_TRY (read_file (one->file, one->folder, &others, &complaint));
  adze_value *mine = entries_of (&one->document);
  const adze_value *theirs = entries_of (&others);
  for (size_t i = mine->count; i-- > 0;)
    if (!mine->items[i]->boolean)
      remove_entry (mine, mine->items[i]);
  for (size_t i = 0; i < theirs->count; i++) {
    const char *name = text_at (theirs->items[i], "name");
    if (!name || find_entry (&one->document, name) || !is_there (one, name))
      continue;
    adze_value *copy = adze_value_copy (theirs->items[i]);
    if (!copy)
      return adze_error_memory ();
    ADZE_TRY (adze_value_append (mine, NULL, copy));
  }
  return NULL;
}

static adze_error *
save_shelf (shelf *one)
{
  ADZE_TRY (merge (one));
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_json_write (one->document.root, 0, &text);
  adze_buffer_text (&text, "\n");
  if (text.failed)
    return adze_error_memory ();
  ADZE_TRY (adze_file_write (one->file, text.data, text.size, 0600));
  one->changed = false;
  return NULL;
}

static adze_error *
remove_file (const char *file)
{
  if (!file)
    return adze_error_memory ();
  return unlink (file) == 0 || errno == ENOENT ? NULL : adze_error_errno ("cannot remove %s", file);
}

/* Also the one file that everything was kept in at first, which nothing reads any more. */
static adze_error *
remove_files (const adze_cache *cache)
{
  ADZE_AUTO_FREE char *old = adze_text_format ("%s.json", cache->path);
  ADZE_AUTO_FREE char *old_lock = adze_text_format ("%s.json.lock", cache->path);
  char **names = NULL;
  size_t count = 0;
  ADZE_TRY (remove_file (old));
  ADZE_TRY (remove_file (old_lock));
  ADZE_TRY (adze_folder_names (cache->path, ".json", &names, &count));
  adze_error *error = NULL;
  for (size_t i = 0; !error && i < count; i++) {
    ADZE_AUTO_FREE char *file = adze_text_format ("%s/%s", cache->path, names[i]);
    error = remove_file (file);
  }
  adze_names_free (names, count);
  return error;
}

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

/* One file that cannot be written keeps none of the others from it. The first failure. */
static adze_error *
save_shelves (adze_cache *cache)
{
  adze_error *first = NULL;
  for (shelf *one = cache->shelves; one; one = one->next) {
    adze_error *error = one->changed ? save_shelf (one) : NULL;
    if (first)
      adze_error_free (error);
    else
      first = error;
  }
  return first;
}

static bool
is_changed (const adze_cache *cache)
{
  bool changed = cache->forgotten;
  for (const shelf *one = cache->shelves; one; one = one->next)
    changed |= one->changed;
  return changed;
}

/* The lock is a file of its own: the others are replaced, and a lock on an old one would keep nobody
 * out of the new one. One for all folders: it is held for as long as it takes to write a few. */
adze_error *
adze_cache_save (adze_cache *cache)
{
  if (!cache->path || !is_changed (cache))
    return NULL;
  ADZE_AUTO_FD int lock = -1;
  ADZE_TRY (take_lock (cache->path, &lock));
  if (cache->forgotten)
    ADZE_TRY (remove_files (cache));
  cache->forgotten = false;
  return save_shelves (cache);
}
