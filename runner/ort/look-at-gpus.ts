/** A process of its own, started by `find-gpus.ts`: asks the driver's libraries, which may never answer. */
import { readDriver } from './driver.ts';
import { readNvml } from './nvml.ts';
import { endWithParent, tell } from './own-process.ts';

endWithParent();
const driver = readDriver();
tell(driver);
if (driver.kind !== 'absent') tell(readNvml());
