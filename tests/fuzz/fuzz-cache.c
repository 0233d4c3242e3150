/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the registry's cache: it opens, perhaps as an empty one that says why; what is put
 * into it is there after a save; and an entry is never of another file than was asked for. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "plugin/cache.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
insist (bool truth, const char *what, const adze_error *error)
{
  if (truth)
    return;
  fprintf (stderr, "%s: %s\n", what, error ? adze_error_message (error) : "");
  abort ();
}

static void
ask_about_all (adze_cache *cache)
{
  static const char *const paths[] = { "", "/", "/tmp", "/a.so", "/lib/adze/b.so" };
  for (size_t i = 0; i < ADZE_COUNT_OF (paths); i++) {
    const adze_cache_key key = { paths[i], { 1, 2, 3, 4, 5 }, { 0, 0, 0, 0, 0 } };
    const adze_value *facts = adze_cache_get (cache, &key);
    insist (!facts || facts->type == ADZE_VALUE_TABLE, "facts", NULL);
  }
}

static const adze_cache_key key = { "/tmp", { 5, 6, 7, 8, 9 }, { 10, 11, 12, 13, 14 } };

static adze_cache *
open_cache (const char *path)
{
  adze_cache *cache = NULL;
  ADZE_AUTO_ERROR opened = adze_cache_open (path, &cache);
  insist (!opened, "opening", opened);
  return cache;
}

static void
check (const char *path)
{
  adze_cache *cache = open_cache (path);
  ask_about_all (cache);
  ADZE_AUTO_ERROR complaint = adze_cache_complaint (cache);
  insist (!complaint || adze_error_message (complaint), "complaint", complaint);
  ADZE_AUTO_ERROR put = adze_cache_put (cache, &key, adze_value_new (ADZE_VALUE_TABLE));
  insist (!put && adze_cache_get (cache, &key), "putting", put);
  ADZE_AUTO_ERROR saved = adze_cache_save (cache);
  insist (!saved, "saving", saved);
  adze_cache_free (cache);

  cache = open_cache (path);
  insist (adze_cache_get (cache, &key) != NULL, "what was saved", NULL);
  ADZE_AUTO_ERROR again = adze_cache_complaint (cache);
  insist (!again, "a saved cache", again);
  adze_cache_free (cache);
}

/* Of the folder that the key's file and some of those that are asked about lie in. */
static char *
file_in (const char *path)
{
  adze_cache *cache = open_cache (path);
  char *file = adze_cache_file (cache, key.path);
  adze_cache_free (cache);
  return file;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  char folder[] = "/tmp/adze-fuzz-cache-XXXXXX";
  insist (mkdtemp (folder) != NULL, "a folder", NULL);
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/registry", folder);
  ADZE_AUTO_FREE char *lock = adze_text_format ("%s/registry.lock", folder);
  ADZE_AUTO_FREE char *name = path ? file_in (path) : NULL;
  FILE *file = name && mkdir (path, 0700) == 0 ? fopen (name, "wb") : NULL;
  insist (lock && file && fwrite (data, 1, size, file) == size, "a file", NULL);
  fclose (file);
  check (path);
  unlink (name);
  rmdir (path);
  unlink (lock);
  rmdir (folder);
  return 0;
}
