/* SPDX-License-Identifier: Apache-2.0 */
/* adze/check.h: what a plugin tells the conformance kit about itself. Tier: stable.
 *
 * `adze plugin check` draws parameters at random from the tables. A plugin that has one which is
 * meant to do harm, such as "crash", names it here, and one that does nothing unless it is asked something says
 * what. The kit asks adze_plugin.extension for it.
 */
#ifndef ADZE_CHECK_H
#define ADZE_CHECK_H

#include <adze/abi.h>

ADZE_BEGIN_DECLS

#define ADZE_CHECK "adze.check/1"

typedef struct adze_check_extension {
  uint32_t struct_size;
  uint32_t reserved;
  /* "component.parameter" each: left at its preset. Ended by NULL. */
  const char *const *fixed;
  /* "component.parameter = value" each, as TOML says it, ended by NULL: given wherever the kit wants presets, for
   * a component that presets alone ask nothing of. NULL: there is none. */
  const char *const *given;
} adze_check_extension;

ADZE_END_DECLS

#endif
