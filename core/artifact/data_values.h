/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/data_values.h: values of a dataset's columns, for documents that show them. */
#ifndef ADZE_ARTIFACT_DATA_VALUES_H
#define ADZE_ARTIFACT_DATA_VALUES_H

#include <adze/draft/source.h>

#include "base/value.h"

/* One element, as an integer, a float, a bool, or, where it is none of these, its bytes as text:
 * "0x3f80". NULL without memory. */
adze_value *adze_element_value (adze_dtype dtype, const void *element);

/* One example of a column, VALUES being those of a batch: a number, nested lists of numbers in the
 * column's shape, or a text. NULL without memory. */
adze_value *adze_example_value (const adze_column *column, size_t size, const void *values,
                                size_t index);

#endif
