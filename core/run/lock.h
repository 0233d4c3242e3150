/* SPDX-License-Identifier: Apache-2.0 */
/* run/lock.h: adze.lock, beside the pipelines of a folder: which plugins, libraries that these bind
 * and backends they were last carried out with, so that `--locked` can refuse others.
 *
 *   version = 1
 *
 *   [[plugin]]
 *   id = "clip"
 *   version = "0.1.0"
 *   build = "blake2b:..."
 *
 *   [[library]]
 *   id = "libm.so.6 of sine"
 *   build = "blake2b:..."
 *
 *   [[backend]]
 *   id = "ref"
 *   identity = "..."
 *
 * A file holds what all pipelines beside it use. A run looks at, and replaces, its own entries only.
 */
#ifndef ADZE_RUN_LOCK_H
#define ADZE_RUN_LOCK_H

#include "plugin/runtime.h"

#define ADZE_LOCK_NAME "adze.lock"

/* What a run uses; begins as { 0 }. */
typedef struct adze_lock_uses {
  adze_value *plugins;  /* list of tables, as in the file */
  adze_value *libraries;
  adze_value *backends;
} adze_lock_uses;

void adze_lock_uses_cleanup (adze_lock_uses *uses);
/* One more plugin, with the libraries that it binds; one that is there already is passed over. Reads
 * its files for the digests. */
ADZE_MUST_CHECK adze_error *adze_lock_use_plugin (adze_lock_uses *uses, adze_runtime *runtime,
                                                  adze_plugin_record *record);
ADZE_MUST_CHECK adze_error *adze_lock_use_backend (adze_lock_uses *uses, const char *id,
                                                   const char *identity);

/* Before a run begins: an error when the file is there and cannot be read as one, which would
 * otherwise be found when all has been done. */
ADZE_MUST_CHECK adze_error *adze_lock_look (const char *path);
/* For `--locked`: an error that names each difference in a line of its own when the file says
 * otherwise than USES, or is not there. */
ADZE_MUST_CHECK adze_error *adze_lock_check (const char *path, const adze_lock_uses *uses);
/* After a run that went well: writes the file if it says otherwise, or is not there. CHANGES, a line
 * each, stays empty when it was not written. A file that cannot be read as one is left alone, and is
 * an error: somebody may have a conflict to resolve in it. */
ADZE_MUST_CHECK adze_error *adze_lock_write (const char *path, const adze_lock_uses *uses,
                                             adze_buffer *changes);

#endif
