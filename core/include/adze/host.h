/* SPDX-License-Identifier: Apache-2.0 */
/* adze/host.h: running adze inside a program. Needs libadze (pkg-config adze).
 *
 *   adze_runtime *runtime = NULL;
 *   adze_error *error = adze_runtime_open (NULL, &runtime);
 *   ...
 *   adze_runtime_close (runtime);
 *
 * A function that can fail returns an error, NULL when it went well, and the caller frees it.
 * Structs whose first member is struct_size may grow at their end: set the member to the size you
 * were compiled with, or zero the struct and use the _INIT macro. Pointers handed out belong to
 * the runtime and stay valid until it is closed or refreshed, unless the comment says otherwise.
 * A runtime may be used from several threads; one call at a time does its work.
 */
#ifndef ADZE_HOST_H
#define ADZE_HOST_H

#include <adze/event.h>
#include <adze/status.h>
#include <adze/tensor.h>

ADZE_BEGIN_DECLS

#if defined __GNUC__
#define ADZE_API __attribute__ ((visibility ("default")))
#else
#define ADZE_API
#endif

/* ---- Errors: a chain from what failed to why. */

typedef struct adze_error adze_error;

ADZE_API adze_status adze_error_status (const adze_error *error);
/* This link of the chain, without its causes. */
ADZE_API const char *adze_error_message (const adze_error *error);
/* The next link, or NULL. */
ADZE_API const adze_error *adze_error_cause (const adze_error *error);
/* Number INDEX of the errors that were found together and that this link sums up ("the pipeline has
 * 3 mistakes"); NULL beyond the last, and for most errors at once. */
ADZE_API const adze_error *adze_error_part (const adze_error *error, size_t index);
/* A fact: "step", "file", "line", "column", "needed", "found", "hint" ... of this link or the
 * nearest cause (or first part) that has it; NULL when none has. */
ADZE_API const char *adze_error_fact (const adze_error *error, const char *name);
/* The whole chain with its facts, for people, several lines, ending in a newline. To be freed;
 * NULL without memory. */
ADZE_API char *adze_error_text (const adze_error *error);
/* The same as a JSON object. To be freed; NULL without memory. */
ADZE_API char *adze_error_json (const adze_error *error);
ADZE_API void adze_error_free (adze_error *error);

/* ---- The runtime: configuration, search path, registry. */

typedef struct adze_runtime adze_runtime;

typedef struct adze_runtime_options {
  size_t struct_size;
  /* Searched before all others, in order; NULL-terminated; NULL: none. */
  const char *const *plugin_path;
  /* The program that runs plugins in a process of their own; NULL: the one that was installed or
   * built beside this library. */
  const char *worker;
  /* The user's configuration file; NULL: $XDG_CONFIG_HOME/adze/config.toml. */
  const char *config;
  /* Where the registry keeps what it learnt; NULL: $XDG_CACHE_HOME/adze. */
  const char *cache;
  unsigned threads; /* 0: as many as the process may run on */
  uint64_t seed;
} adze_runtime_options;

#define ADZE_RUNTIME_OPTIONS_INIT { sizeof (adze_runtime_options), 0, 0, 0, 0, 0, 0 }

/* OPTIONS may be NULL. Reads the configuration; looks at no plugin yet. */
ADZE_API adze_error *adze_runtime_open (const adze_runtime_options *options,
                                        adze_runtime **runtime);
ADZE_API void adze_runtime_close (adze_runtime *runtime);

/* The package's version, and the contract it offers to plugins. */
ADZE_API const char *adze_version (void);
ADZE_API void adze_abi_version (uint32_t *major, uint32_t *minor);

/* Looks at the folders again; FORGET: and asks every file anew instead of the cache. A cache that
 * cannot be written then is no error, and a warning in the log. The first call of those below does
 * it once. */
ADZE_API adze_error *adze_runtime_refresh (adze_runtime *runtime, bool forget);

/* The folders that are searched, in order, and whether plugins there are trusted. */
ADZE_API size_t adze_folder_count (adze_runtime *runtime);
ADZE_API const char *adze_folder_path (adze_runtime *runtime, size_t index);
ADZE_API bool adze_folder_trusted (adze_runtime *runtime, size_t index);
/* Who asked for it: "--plugin-path", "ADZE_PLUGIN_PATH", "user", "system", "build" ... */
ADZE_API const char *adze_folder_origin (adze_runtime *runtime, size_t index);

/* ---- What there is. Nothing of this opens a plugin's file. */

typedef struct adze_param_info {
  size_t struct_size;
  const char *name;
  const char *type; /* "float", "list of int" ... */
  const char *preset; /* NULL: mandatory */
  const char *range;
  const char *choices;
  const char *component_kind;
  const char *unit;
  const char *since;
  const char *help;
} adze_param_info;

typedef struct adze_port_info {
  size_t struct_size;
  const char *name;
  const char *type;
  const char *direction; /* "in" or "out" */
  bool required;
  const char *help;
} adze_port_info;

typedef struct adze_component_info {
  size_t struct_size;
  const char *kind;
  const char *id;
  const char *summary;
  const char *threading; /* "plugin", "instance", "parallel" */
  const char *effect;    /* techniques: "changes" or "inspects"; else NULL */
  const adze_param_info *params;
  size_t param_count;
  const adze_port_info *ports;
  size_t port_count;
  const char *plugin; /* the plugin's id */
} adze_component_info;

typedef struct adze_plugin_info {
  size_t struct_size;
  const char *id; /* of a plugin that failed: its file's name without the ending */
  const char *version;
  const char *summary;
  const char *license;
  const char *path;     /* the shared object, or the manifest of a foreign library */
  const char *manifest; /* NULL: none beside it */
  const char *folder_origin;
  bool trusted;
  bool builtin; /* linked into this program */
  bool foreign; /* a manifest over somebody else's library */
  bool is_signed; /* by a key that is trusted */
  bool loaded;
  const char *const *components; /* ids; component_count of them */
  size_t component_count;
  const adze_error *failure; /* why it cannot be used; NULL: nothing known against it */
  const char *const *kernels; /* contracts of adze/kernel.h that it fulfils; kernel_count of them */
  size_t kernel_count;
} adze_plugin_info;

/* All plugins that were found, those that failed among them. */
ADZE_API adze_error *adze_plugin_list (adze_runtime *runtime,
                                       const adze_plugin_info *const **plugins, size_t *count);

/* The usable components of a kind (NULL: of all), sorted by kind and id. The array belongs to the
 * runtime and is valid until the next call of this function. */
ADZE_API adze_error *adze_component_list (adze_runtime *runtime, const char *kind,
                                          const adze_component_info *const **components,
                                          size_t *count);

/* One component by id. When there is none, the error names what was searched and what was
 * probably meant; when its plugin failed, that failure. */
ADZE_API adze_error *adze_component_find (adze_runtime *runtime, const char *id,
                                          const adze_component_info **component);
ADZE_API adze_error *adze_plugin_find (adze_runtime *runtime, const char *id,
                                       const adze_plugin_info **plugin);

/* The same things as documents, to be freed. COMPONENT ids; KIND may be NULL. */
ADZE_API adze_error *adze_list_json (adze_runtime *runtime, const char *kind, char **text);
ADZE_API adze_error *adze_plugins_json (adze_runtime *runtime, bool failed_only, char **text);
ADZE_API adze_error *adze_component_json (adze_runtime *runtime, const char *id, char **text);
/* A JSON schema (2020-12) of the component's parameters. */
ADZE_API adze_error *adze_component_schema (adze_runtime *runtime, const char *id, char **text);
/* The component's part of a manual page: troff source that stands for @COMPONENTS@ in it. */
ADZE_API adze_error *adze_component_manual (adze_runtime *runtime, const char *id, char **text);

/* ---- Which formats hold what which codecs make. */

typedef struct adze_codec_cell {
  /* "native": a type of the format's own; "nodes": bytes of which a network's nodes make numbers; "packed":
     bytes, and metadata that says what they are; "no": not at all. */
  const char *how;
  const char *why; /* of "no" */
} adze_codec_cell;

typedef struct adze_codec_matrix {
  size_t struct_size;
  const char *const *codecs; /* ids, valid as long as the runtime */
  const char *const *formats;
  size_t codec_count, format_count;
  const adze_codec_cell *cells; /* a row of format_count for each codec */
} adze_codec_matrix;

/* Of all codecs, with their presets, and all formats that write. */
ADZE_API adze_error *adze_codec_matrix_make (adze_runtime *runtime, adze_codec_matrix **matrix);
ADZE_API void adze_codec_matrix_free (adze_codec_matrix *matrix);
/* {"codecs": {"q4_k": {"gguf": {"how": "native"}, ...}}}, to be freed. */
ADZE_API adze_error *adze_codec_matrix_json (const adze_codec_matrix *matrix, char **text);

/* ---- Loading and using. */

/* Loads the plugin of a component into this process, whatever its folder. It stays until the
 * runtime is closed. Loading what is loaded does nothing. */
ADZE_API adze_error *adze_component_load (adze_runtime *runtime, const char *id);

/* Events of this runtime. Listeners are called one at a time, with each event in order; see
 * adze/event.h. A listener must not call the runtime. */
typedef void (*adze_event_listener) (void *argument, const adze_event *event);
ADZE_API adze_error *adze_listen (adze_runtime *runtime, adze_event_listener listener,
                                  void *argument);
ADZE_API void adze_unlisten (adze_runtime *runtime, adze_event_listener listener, void *argument);
/* An observer component, with its parameters as one line of TOML ("path = \"x\", ...") or NULL;
 * it watches until the runtime is closed. */
ADZE_API adze_error *adze_observe (adze_runtime *runtime, const char *id, const char *parameters);

/* A technique, ready to be fed tensors one at a time. A harness belongs to one thread at a time;
 * one that is isolated has a process and a thread of its own. */
typedef struct adze_harness adze_harness;

typedef struct adze_harness_options {
  size_t struct_size;
  /* "name = value" each, as TOML; quotes around a plain word may be left out. NULL-terminated. */
  const char *const *settings;
  /* In a process of its own? 0: when its folder is not trusted; 1: yes; -1: no. */
  int isolate;
  int64_t time_limit_ms;  /* of each call, when isolated; 0: none */
  uint64_t memory_limit;  /* of the process, in bytes, when isolated; 0: none */
} adze_harness_options;

#define ADZE_HARNESS_OPTIONS_INIT { sizeof (adze_harness_options), 0, 0, 0, 0 }

ADZE_API adze_error *adze_harness_open (adze_runtime *runtime, const char *technique,
                                        const adze_harness_options *options,
                                        adze_harness **harness);
/* What the technique made of a tensor. *OUTPUT is NULL when it left it as it was; otherwise it
 * belongs to the harness and is valid until its next call. */
ADZE_API adze_error *adze_harness_apply (adze_harness *harness, const adze_tensor *input,
                                         const adze_tensor **output);
/* Output number INDEX of the last call, where a technique makes several of one; NULL beyond the last.
 * Dropped: it announced that nothing comes of the tensor. */
ADZE_API const adze_tensor *adze_harness_output (const adze_harness *harness, size_t index);
ADZE_API bool adze_harness_dropped (const adze_harness *harness);
ADZE_API bool adze_harness_isolated (const adze_harness *harness);
/* Destroys the technique's instance, and says what went wrong: a rule it broke, memory it kept; when
 * isolated, also a crash, an exit or a hang, and what the plugin did when it was ended (deinit).
 * Nothing can be applied any more; the last output stays until close. */
ADZE_API adze_error *adze_harness_end (adze_harness *harness);
/* Ends it first if you have not; what goes wrong then is the event "instance.failed" and a warning
 * in the log. */
ADZE_API void adze_harness_close (adze_harness *harness);

/* ---- Models, looked at. TEXT is for people, or one JSON document; to be freed. */

typedef struct adze_show_options {
  size_t struct_size;
  const char *format;       /* NULL: whichever recognises the file */
  const char *match;        /* only tensors whose name matches: a glob or "re:..."; NULL: all */
  bool stats;               /* reads the weights: min, max, mean, zeros, histogram */
  bool json;
  uint64_t structure_limit; /* of structure, in bytes; 0: 100 MB */
} adze_show_options;

#define ADZE_SHOW_OPTIONS_INIT { sizeof (adze_show_options), 0, 0, 0, 0, 0 }

ADZE_API adze_error *adze_model_show (adze_runtime *runtime, const char *path,
                                      const adze_show_options *options, char **text);
/* Tensor by tensor: identical, largest error, SQNR, cosine, zeros. *SAME: nothing differs. */
ADZE_API adze_error *adze_model_diff (adze_runtime *runtime, const char *a, const char *b,
                                      const adze_show_options *options, bool *same, char **text);

typedef struct adze_convert_options {
  size_t struct_size;
  const char *from; /* formats; NULL: by content, and by the ending */
  const char *to;
  const char *const *settings; /* "name=value" of the format that writes; NULL-terminated */
  uint64_t structure_limit;
} adze_convert_options;

#define ADZE_CONVERT_OPTIONS_INIT { sizeof (adze_convert_options), 0, 0, 0, 0 }

ADZE_API adze_error *adze_model_convert (adze_runtime *runtime, const char *in, const char *out,
                                         const adze_convert_options *options);

/* ---- Data, looked at. */

typedef struct adze_data_options {
  size_t struct_size;
  const char *const *settings; /* "name = value" of the source; NULL-terminated; NULL: none */
  uint64_t rows;               /* how many examples to show */
  bool json;
} adze_data_options;

#define ADZE_DATA_OPTIONS_INIT { sizeof (adze_data_options), 0, 5, 0 }

/* What a source makes of its files: columns, how many examples, the first of them. *TEXT is for
 * people, or one JSON document; to be freed. */
ADZE_API adze_error *adze_data_show (adze_runtime *runtime, const char *source,
                                     const adze_data_options *options, char **text);

/* ---- Pipelines. */

typedef struct adze_pipeline adze_pipeline;

/* SETTINGS: "stage.clip.percentile=99" each, NULL-terminated; NULL: none. Reads and checks the file
 * against the plugins; all that is wrong with it is one error. */
ADZE_API adze_error *adze_pipeline_open (adze_runtime *runtime, const char *path,
                                         const char *const *settings, adze_pipeline **pipeline);
ADZE_API void adze_pipeline_close (adze_pipeline *pipeline);
/* A JSON schema of the language with all components that there are; to be freed. */
ADZE_API adze_error *adze_pipeline_schema (adze_runtime *runtime, char **text);
/* A starter pipeline for a model; to be freed. */
ADZE_API adze_error *adze_pipeline_starter (adze_runtime *runtime, const char *model, char **text);

/* What a pipeline will do, from structure alone. */
typedef struct adze_plan adze_plan;

ADZE_API adze_error *adze_plan_make (adze_pipeline *pipeline, adze_plan **plan);
/* Stages that take whole artifacts, and can do so, get ready as for a run and compute nothing: what
 * they take of memory is part of the plan then, and what keeps one from beginning is an error. The model
 * that one gives without having computed is part of the plan, too.
 * Nothing on disk changes. */
ADZE_API adze_error *adze_plan_rehearse (adze_plan *plan);
ADZE_API adze_error *adze_plan_text (const adze_plan *plan, bool json, char **text);
ADZE_API void adze_plan_close (adze_plan *plan);

typedef struct adze_run_options {
  size_t struct_size;
  const char *runs; /* folder of the runs; NULL: adze-runs beside the pipeline */
  bool fresh;       /* takes nothing from earlier runs */
  bool locked;      /* refuses plugins and backends other than those of adze.lock */
  bool verify;      /* hashes files again that are known by their identity */
} adze_run_options;

#define ADZE_RUN_OPTIONS_INIT { sizeof (adze_run_options), 0, 0, 0, 0 }

/* Carries the plan out. What happens on the way is told by events ("run.started", "stage.progress"
 * ...: adze-events(7)). *FOLDER, to be freed, is the run's folder, also after most failures.
 * ADZE_E_CANCELLED after adze_run_cancel. */
ADZE_API adze_error *adze_plan_run (adze_plan *plan, const adze_run_options *options,
                                    char **folder);
/* Why would what be done again? For people; to be freed. Nothing is run. */
ADZE_API adze_error *adze_plan_explain (adze_plan *plan, const adze_run_options *options,
                                        bool json, char **text);
/* Asks the run in progress to stop at the next good place. May be called from a signal handler. */
ADZE_API void adze_run_cancel (adze_runtime *runtime);

/* ---- Runs, looked back at. RUNS as in adze_run_options, for the current folder; RUN is a folder, a
 * number, a name or "last" (also NULL). A list and a table have all runs, or those whose name is
 * RUN. */

typedef enum adze_runs_form { ADZE_RUNS_LIST = 0, ADZE_RUNS_SHOW, ADZE_RUNS_TABLE } adze_runs_form;
ADZE_API adze_error *adze_runs_text (adze_runtime *runtime, const char *runs, adze_runs_form form,
                                     const char *run, bool json, char **text);
/* Removes all but the newest KEEP runs, and results that none of those which are left has used; files
 * outside of RUNS are left alone. PRETEND: only says what would go. Refused while a run is under
 * way. */
ADZE_API adze_error *adze_runs_clean (adze_runtime *runtime, const char *runs, uint64_t keep,
                                      bool pretend, bool json, char **text);
/* What was done to TENSOR, or to one weight of it ("fc1.weight[3,17]"), by which stage and why. */
ADZE_API adze_error *adze_run_why (adze_runtime *runtime, const char *runs, const char *run,
                                   const char *tensor, bool json, char **text);

/* ---- Tools for plugin files; none needs the file to be in a folder that is searched. */

/* What the ELF of a file says, read without running anything of it, and what to do about it.
 * *HEALTHY: nothing found that keeps it from loading. As text or JSON, to be freed. */
ADZE_API adze_error *adze_doctor (adze_runtime *runtime, const char *path, bool json,
                                  bool *healthy, char **text);

/* Its descriptor, read in a worker: as a manifest (TOML, the golden form), as JSON, or as
 * key=value lines. */
typedef enum adze_dump_form { ADZE_DUMP_LINES = 0, ADZE_DUMP_JSON, ADZE_DUMP_MANIFEST } adze_dump_form;
ADZE_API adze_error *adze_plugin_dump (adze_runtime *runtime, const char *path,
                                       adze_dump_form form, char **text);

/* Writes the manifest beside the file, with its digest, and signed when KEY (a file that
 * adze_key_make wrote) is not NULL. PATH may also be a foreign library's manifest, to be signed. */
ADZE_API adze_error *adze_plugin_stamp (adze_runtime *runtime, const char *path, const char *key);

/* A pair of Ed25519 keys: PATH, for the owner alone, and PATH.pub, for folders of trusted keys. */
ADZE_API adze_error *adze_key_make (const char *path);

/* Lets one more plugin file take part in this runtime, as if its folder had been searched, not
 * trusted. A file that is refused takes part as well: what is against it is in PLUGIN->failure.
 * PLUGIN may be NULL. */
ADZE_API adze_error *adze_plugin_add (adze_runtime *runtime, const char *path,
                                      const adze_plugin_info **plugin);

/* The conformance kit. Each case runs in a process of its own; REPORT is called after each. */
typedef enum adze_case_verdict { ADZE_CASE_PASSED = 0, ADZE_CASE_FAILED, ADZE_CASE_SKIPPED } adze_case_verdict;
typedef struct adze_case_report {
  size_t struct_size;
  size_t number; /* from 1 */
  size_t count;
  const char *name;
  adze_case_verdict verdict;
  const char *detail; /* why it failed or does not apply; may span lines; NULL: none */
} adze_case_report;
typedef void (*adze_case_listener) (void *argument, const adze_case_report *report);

typedef struct adze_check_options {
  size_t struct_size;
  const char *only;    /* run cases whose name has this in it; NULL: all */
  unsigned rounds;     /* of random parameters, a component; 0: 16 */
  int64_t time_limit_ms; /* a case; 0: 20000 */
  uint64_t seed;
} adze_check_options;

#define ADZE_CHECK_OPTIONS_INIT { sizeof (adze_check_options), 0, 0, 0, 0 }

/* *FAILED: how many cases failed. An error means that the kit itself could not run. */
ADZE_API adze_error *adze_plugin_check (adze_runtime *runtime, const char *path,
                                        const adze_check_options *options,
                                        adze_case_listener report, void *argument,
                                        size_t *failed);

/* ---- Backends, looked at. *TEXT is for people, or one JSON document; to be freed. */

typedef struct adze_backend_options {
  size_t struct_size;
  const char *const *settings; /* "name = value" of the backend; NULL-terminated; NULL: none */
  const char *only;  /* check: operators whose name has this in it; NULL: all */
  unsigned rounds;   /* check: drawn sizes of each problem, beside edge cases; 0: 8 */
  unsigned timings;  /* bench: of each work; 0: 9 */
  uint64_t seed;     /* check: what sizes and numbers are drawn from */
  bool json;
} adze_backend_options;

#define ADZE_BACKEND_OPTIONS_INIT { sizeof (adze_backend_options), 0, 0, 0, 0, 0, 0 }

/* Which there are, and what their numbers depend on. Each that can be is loaded and begun, since only
 * it can say. */
ADZE_API adze_error *adze_backend_list (adze_runtime *runtime, bool json, char **text);
/* All that it claims of the kit's problems, against ref: operator by operator and type by type the
 * worst error. *HELD: no bound is broken. */
ADZE_API adze_error *adze_backend_check (adze_runtime *runtime, const char *id,
                                         const adze_backend_options *options, bool *held,
                                         char **text);
/* How fast it is. ID NULL: all that can be used. */
ADZE_API adze_error *adze_backend_bench (adze_runtime *runtime, const char *id,
                                         const adze_backend_options *options, char **text);

/* ---- For the worker program and for programs that have their plugins linked in. */

/* The life of a worker process: what hosts/worker calls, and nothing else. Returns its exit
 * status. */
ADZE_API int adze_worker_main (int argc, char **argv);

/* A worker program whose allocator can be made to fail lends it to the conformance kit, before
 * adze_worker_main. Without one, the kit's case about malloc does not apply. */
typedef struct adze_allocator {
  size_t struct_size;
  /* From now on allocations are counted from 1, and the one of this NUMBER fails; 0: none. */
  void (*fail_at) (uint64_t number);
  uint64_t (*count) (void);
  /* Blocks that were handed out and not given back. */
  int64_t (*live) (void);
} adze_allocator;
ADZE_API void adze_worker_allocator (const adze_allocator *allocator);

/* libltdl's table of preloaded symbols (lt_preloaded_symbols), to be called before the first
 * runtime is opened. WORKER_SELF: this program is its own worker, when started with the single
 * argument "--adze-worker". NO_FILES: plugins come from the table alone; files are refused. */
ADZE_API void adze_runtime_preload (const void *symbols, bool worker_self, bool no_files);

ADZE_END_DECLS

#endif
