/* SPDX-License-Identifier: Apache-2.0 */
/* base/toml_explain.h: what is wrong with a text that is no TOML, said for whoever wrote it. */
#ifndef ADZE_BASE_TOML_EXPLAIN_H
#define ADZE_BASE_TOML_EXPLAIN_H

#include "base/value.h"

/* The parser stopped at LINE and COLUMN and says WHAT, in its own words. What people get wrong most
 * is said in others, and at the place where it is to be mended. Always an error. */
adze_error *adze_toml_explain (const adze_document *document, uint32_t line, uint32_t column,
                               const char *what);

#endif
