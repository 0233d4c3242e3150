/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/places.h: where things are: configuration, folders of plugins, keys, worker, cache. */
#ifndef ADZE_PLUGIN_PLACES_H
#define ADZE_PLUGIN_PLACES_H

#include "base/error.h"

typedef struct adze_plugin_folder {
  char *path;         /* absolute */
  const char *origin; /* who asked for it: static text */
  bool trusted;
} adze_plugin_folder;

typedef struct adze_places {
  adze_plugin_folder *folders;
  size_t folder_count;
  char **trusted; /* by the configuration, absolute */
  size_t trusted_count;
  char **keys; /* folders of *.pub */
  size_t key_count;
  bool require_signed;
  char *worker;
  char *cache; /* the folder of the registry's files; NULL: there is no place for one */
} adze_places;

/* Reads the environment and the configuration files. A configuration that does not exist says
 * nothing; one that is malformed is an error, since what it would have forbidden is unknown. */
ADZE_MUST_CHECK adze_error *adze_places_find (const adze_runtime_options *options,
                                              adze_places *places);
void adze_places_cleanup (adze_places *places);

/* Is a folder one that the user or the system trusts? PATH is absolute. */
bool adze_places_trusts (const adze_places *places, const char *path);

#endif
