/* SPDX-License-Identifier: Apache-2.0 */
/* work/wire.h: tensors as they cross between a host and its worker. */
#ifndef ADZE_RUN_WIRE_H
#define ADZE_RUN_WIRE_H

#include "base/json.h"
#include "work/technique.h"

/* Adds name, type, shape and byte size to TABLE. */
ADZE_MUST_CHECK adze_error *adze_wire_describe (const adze_tensor *tensor, adze_value *table);

/* The data of a tensor without gaps: *DATA is the tensor's own, or *OWNED, which is to be freed. */
ADZE_MUST_CHECK adze_error *adze_wire_compact (const adze_tensor *tensor, const void **data,
                                               void **owned);

/* Room for a tensor that was described; NAME is kept as it is. */
ADZE_MUST_CHECK adze_error *adze_wire_allocate (const adze_value *table, const char *name,
                                                adze_result *result);

#endif
