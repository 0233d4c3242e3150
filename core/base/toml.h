/* SPDX-License-Identifier: Apache-2.0 */
/* base/toml.h: TOML 1.0. The one C++ file of core stands behind this header; nothing is thrown
 * across it. */
#ifndef ADZE_BASE_TOML_H
#define ADZE_BASE_TOML_H

#include "base/value.h"

/* Fills DOCUMENT in, path and text included, also when it fails (root is then NULL); clean it up
 * either way. A syntax error names line and column. Values may nest 64 deep and a key may have 32
 * parts; entries keep the order of the document. */
ADZE_MUST_CHECK adze_error *adze_toml_parse (const char *name, const char *text, size_t size,
                                             adze_document *document);

/* The same for a file of at most 16 MiB. */
ADZE_MUST_CHECK adze_error *adze_toml_read (const char *path, adze_document *document);

#endif
