/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/cache.h: what was learnt about plugin files, so that nothing is looked at twice.
 *
 * A folder of JSON files, one for each folder of plugins and named by a hash of that folder's path,
 * so that a command reads what is known of its own places and nothing else: a file is read when the
 * first plugin of its folder is asked for. An entry counts only for the same path, the same inode,
 * size and time of the plugin and of its manifest, and the same host ABI. A file that is damaged
 * counts as empty and is written anew; one that says another folder than its name stands for, or
 * another version, counts as empty too. Several processes may write at once: each takes a lock,
 * reads again what the others wrote, and replaces the files whole.
 */
#ifndef ADZE_PLUGIN_CACHE_H
#define ADZE_PLUGIN_CACHE_H

#include "base/file.h"
#include "base/value.h"

typedef struct adze_cache adze_cache;

/* PATH: of the folder, which is made when there is something to keep; NULL: a cache that forgets. */
ADZE_MUST_CHECK adze_error *adze_cache_open (const char *path, adze_cache **cache);
void adze_cache_free (adze_cache *cache);

/* Which file of CACHE has what is known of the plugin file PATH, and of those beside it. To be freed;
 * NULL without memory, and for a cache that forgets. */
char *adze_cache_file (const adze_cache *cache, const char *path);

/* Why a file that was read was taken as empty, with its name, line and column: the next that nobody
 * was told yet, to be freed. NULL: all of them were sound, or not there, or were told. */
adze_error *adze_cache_complaint (adze_cache *cache);

/* Drops everything, of all folders, also from the files at the next save. */
void adze_cache_forget (adze_cache *cache);

/* Which content of two files an entry is about; zeros for one that does not exist. */
typedef struct adze_cache_key {
  const char *path;
  adze_file_identity object;
  adze_file_identity manifest;
} adze_cache_key;

/* What is known, or NULL, also where there is no memory to read it. Belongs to the cache, valid until
 * the next put. */
const adze_value *adze_cache_get (adze_cache *cache, const adze_cache_key *key);

/* Replaces what is known. Takes FACTS (a table) over, also when it fails. */
ADZE_MUST_CHECK adze_error *adze_cache_put (adze_cache *cache, const adze_cache_key *key,
                                            adze_value *facts);

/* Writes the files in which something changed. What is known of plugins that are gone from their folder is
 * dropped from those. */
ADZE_MUST_CHECK adze_error *adze_cache_save (adze_cache *cache);

#endif
