/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/doctor/examination.h: one examination, as its parts share it. For this folder alone. */
#ifndef ADZE_PLUGIN_DOCTOR_EXAMINATION_H
#define ADZE_PLUGIN_DOCTOR_EXAMINATION_H

#include "plugin/doctor/doctor.h"
#include "plugin/doctor/libraries.h"
#include "plugin/refusal.h"

typedef struct adze_examination {
  adze_value *report;
  adze_value *problems; /* lists; they become part of the report at its end */
  adze_value *warnings;
  adze_search search;
  adze_closure program;
  adze_closure closure; /* of the file: the file itself is number 0 */
} adze_examination;

/* What is wrong, and what to do. NEEDED, FOUND and HINT may be NULL. */
typedef struct adze_finding {
  adze_step step;
  const char *needed;
  const char *found;
  const char *hint;
} adze_finding;

/* Appends to one of the two lists. Memory that does not suffice is remembered in it. */
ADZE_PRINTF (3, 4) void adze_doctor_add (adze_value *list, const adze_finding *finding,
                                         const char *format, ...);

/* adze_json_string for text that came from a file: control characters, which would let the file
 * write to the reader's terminal, become \x1b and the like. */
void adze_doctor_put (adze_value *into, const char *key, const char *text);

/* What to call a library in a message. */
const char *adze_doctor_name (const adze_library *library);

/* plugin/doctor/symbols.c: versions and symbols that are needed and not there. */
ADZE_MUST_CHECK adze_error *adze_doctor_versions (adze_examination *examination);
ADZE_MUST_CHECK adze_error *adze_doctor_symbols (adze_examination *examination);

#endif
