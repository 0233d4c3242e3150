/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/place.h: places inside of strings, for complaints that point into one. */
#ifndef ADZE_PIPELINE_PLACE_H
#define ADZE_PIPELINE_PLACE_H

#include "base/value.h"

/* Where character NUMBER (from 1) of the string AT stands in its document: only line and column of
 * the result count. A string that was written without quotes is one, too. The place of the string
 * itself where that cannot be said. */
adze_value adze_place_inside (const adze_document *document, const adze_value *at, size_t number);

#endif
