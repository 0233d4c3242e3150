/* SPDX-License-Identifier: Apache-2.0 */
/* run/sink.h: where a pass writes its tensors: the file of an output, through its format, or the
 * store of results, where tensors just lie one after the other. */
#ifndef ADZE_RUN_SINK_H
#define ADZE_RUN_SINK_H

#include "artifact/format.h"

typedef struct adze_sink adze_sink;

/* The file of an output; TAG, RESUME and *RESUMED as in adze_writer_open. */
ADZE_MUST_CHECK adze_error *adze_sink_open_output (adze_runtime *runtime, const char *path,
                                                   const adze_format_options *options,
                                                   const adze_model *model, const char *tag,
                                                   adze_resume resume, bool *resumed,
                                                   adze_sink **sink);
/* PATH, of the store; likewise. */
ADZE_MUST_CHECK adze_error *adze_sink_open_store (const char *path, const adze_model *model,
                                                  adze_resume resume, bool *resumed,
                                                  adze_sink **sink);

adze_writer_place adze_sink_place (const adze_sink *sink, size_t tensor);

/* Makes what was written appear under its name. */
ADZE_MUST_CHECK adze_error *adze_sink_commit (adze_sink *sink);
/* The files of a committed one, by number; NULL beyond the last. */
const char *adze_sink_file (const adze_sink *sink, uint32_t index);
/* KEEP: leaves what an uncommitted one has written for a later try. */
void adze_sink_close (adze_sink *sink, bool keep);

/* A model over a file of the store that MODEL was written to: its tensors, where they lie there, and
 * MODEL's parts, with which stages that take the whole of it compute. */
ADZE_MUST_CHECK adze_error *adze_store_open (const char *path, const adze_model *model,
                                             adze_model **stored);

#endif
