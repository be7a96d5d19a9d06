/* typeface - the one typeface of a process that may open no file. */
#ifndef INGEST_TYPEFACE_H
#define INGEST_TYPEFACE_H

/* Make it, and make fontconfig name it for every font that a document does not bring
 * along. To be called once, before any page is rendered. */
void typeface_warm(void);

#endif
