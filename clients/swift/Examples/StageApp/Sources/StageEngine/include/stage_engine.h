#ifndef STAGE_ENGINE_H
#define STAGE_ENGINE_H

#include <white_room/metrics.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct stage_engine stage_engine;

enum { SCH_OK = 0, SCH_ERR_REJECTED = 1, SCH_ERR_PARSE_FAILED = 2 };

/* Creates an engine that adds its metrics to those of the app. NULL if they are registered already. */
stage_engine *stage_engine_create(wr_metrics *metrics);

/* Destroys the engine, which must happen before the app releases its metrics. */
void stage_engine_destroy(stage_engine *engine);

/* Renders one buffer, on the audio thread. */
void stage_engine_render(stage_engine *engine);

/* Loads a song. Returns one of the codes above. */
int sch_engine_load_song(stage_engine *engine, const char *json);

#ifdef __cplusplus
}
#endif

#endif
