/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/doctor/doctor.h: why a file does not load, found by reading. */
#ifndef ADZE_PLUGIN_DOCTOR_H
#define ADZE_PLUGIN_DOCTOR_H

#include "base/value.h"

/* A table:
 *   file, healthy;
 *   machine {found, running};
 *   abi {needed, offered, compatible}: without needed and compatible when the file does not say;
 *   entry: is the entry symbol there?
 *   glibc {needed, running};
 *   libraries: a list of {name, found-at or missing or unusable, needed-by};
 *   missing-symbols: a list of {name, version, needed-by};
 *   unjudged-symbols: how many may be in a library that is missing;
 *   problems, warnings: lists of {step, message, needed, found, hint}.
 * healthy means that there are no problems; a warning is about what works here and may not
 * elsewhere. A file that is no shared object for this machine has no more than file, healthy,
 * machine (when it is known), problems and warnings. Fails only for want of memory. */
ADZE_MUST_CHECK adze_error *adze_doctor_examine (const char *path, adze_value **report);

/* For people: several lines, the last one a verdict. */
void adze_doctor_write (const adze_value *report, adze_buffer *into);

/* Adds needed, found and hint to a refusal of step open, from what the file itself says. */
void adze_doctor_explain (const char *path, adze_error *refusal);

#endif
