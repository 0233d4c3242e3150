/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/config.h: the configuration file, of the user or of the system. */
#ifndef ADZE_PLUGIN_CONFIG_H
#define ADZE_PLUGIN_CONFIG_H

#include "plugin/places.h"

/* Adds what PATH says to PLACES: `trusted = [folders]`, `keys = [folders]`, `require-signed`.
 * Files add up: what one of them requires, another cannot take back. HOME stands for a leading
 * "~/" and may be NULL. */
ADZE_MUST_CHECK adze_error *adze_config_read (const char *path, const char *home,
                                              adze_places *places);

/* Appends a copy of TEXT to a list of strings. */
ADZE_MUST_CHECK adze_error *adze_list_add (char ***list, size_t *count, const char *text);

#endif
