/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/cache.h: what was learnt about plugin files, so that nothing is looked at twice.
 *
 * One JSON file. An entry counts only for the same path, the same inode, size and time of the
 * plugin and of its manifest, and the same host ABI. A file that is damaged counts as empty and is
 * written anew. Several processes may write at once: each takes a lock, reads again what the
 * others wrote, and replaces the file whole.
 */
#ifndef ADZE_PLUGIN_CACHE_H
#define ADZE_PLUGIN_CACHE_H

#include "base/file.h"
#include "base/value.h"

typedef struct adze_cache adze_cache;

/* PATH NULL: a cache that forgets. */
ADZE_MUST_CHECK adze_error *adze_cache_open (const char *path, adze_cache **cache);
void adze_cache_free (adze_cache *cache);

/* Why the file was taken as empty, with line and column; NULL: it was sound, or not there. */
const adze_error *adze_cache_complaint (const adze_cache *cache);

/* Drops everything, also from the file at the next save. */
void adze_cache_forget (adze_cache *cache);

/* Which content of two files an entry is about; zeros for one that does not exist. */
typedef struct adze_cache_key {
  const char *path;
  adze_file_identity object;
  adze_file_identity manifest;
} adze_cache_key;

/* What is known, or NULL. Belongs to the cache, valid until the next put. */
const adze_value *adze_cache_get (const adze_cache *cache, const adze_cache_key *key);

/* Replaces what is known. Takes FACTS (a table) over, also when it fails. */
ADZE_MUST_CHECK adze_error *adze_cache_put (adze_cache *cache, const adze_cache_key *key,
                                            adze_value *facts);

/* Writes when something changed. */
ADZE_MUST_CHECK adze_error *adze_cache_save (adze_cache *cache);

#endif
