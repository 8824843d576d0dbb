/** Entry of a stage's thread that tells the stand-in's log where each item begins. */
import { openNative } from '../../runner/ort/native-library.ts';
import { runStageThread } from '../../runner/pipeline/stage-thread.ts';

const library = openNative('libcudart.so.13');
if ('problem' in library) throw new Error(library.problem);
const tell = library.bind('standin_tell', 'p');

runStageThread(({ stage }, index) => void tell(Buffer.from(`item ${stage} ${index}\0`)));
