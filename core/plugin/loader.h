/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/loader.h: libltdl, made to say what went wrong.
 *
 * Nothing else includes ltdl.h. Our own loader stands in the place of libltdl's for shared
 * objects: it binds everything at once, keeps symbols to itself, and keeps the dynamic linker's
 * words. One lock stands around every call of libltdl.
 */
#ifndef ADZE_PLUGIN_LOADER_H
#define ADZE_PLUGIN_LOADER_H

#include "plugin/refusal.h"

typedef struct adze_module adze_module;

/* PATH must be absolute. The module stays in the process. A refusal of step open has what the
 * dynamic linker said, word for word. */
ADZE_MUST_CHECK adze_error *adze_module_open (const char *path, adze_module **module);

/* What is linked into this program under a name. */
ADZE_MUST_CHECK adze_error *adze_module_builtin (const char *name, adze_module **module);
/* The names of all of them; free with adze_names_free. */
ADZE_MUST_CHECK adze_error *adze_module_builtin_names (char ***names, size_t *count);

/* A symbol's address, or a refusal of step symbol. */
ADZE_MUST_CHECK adze_error *adze_module_symbol (adze_module *module, const char *path,
                                                const char *symbol, void **address);

void adze_module_free (adze_module *module); /* the handle's memory only */

/* See adze_runtime_preload. */
bool adze_loader_files_allowed (void);
bool adze_loader_worker_self (void);

#endif
