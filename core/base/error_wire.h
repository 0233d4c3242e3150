/* SPDX-License-Identifier: Apache-2.0 */
/* base/error_wire.h: a whole chain as a tree and back, so that it can cross to another process or
 * lie in a file. adze_error_json is for readers; it loses which link a fact belongs to. */
#ifndef ADZE_BASE_ERROR_WIRE_H
#define ADZE_BASE_ERROR_WIRE_H

#include "base/json.h"

/* Appends a list of links to INTO under KEY; see adze_json_failed for want of memory. */
void adze_error_to_value (const adze_error *error, adze_value *into, const char *key);

/* Never NULL: a tree that is no error is an error of its own. */
ADZE_MUST_CHECK adze_error *adze_error_from_value (const adze_value *value);

#endif
