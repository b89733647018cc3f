// @vladmandic/face-api: its seven nets on photographs.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { compareBackends } from './compare.mjs';
import { packageFolder } from './model-files.mjs';
import { people } from './pictures.mjs';

const require = createRequire(import.meta.url);
const faceapi = require('@vladmandic/face-api');
const folder = join(packageFolder('@vladmandic/face-api'), 'model');
const { nets } = faceapi;

let failed = 0;
for (const [name, detector, options, tiny] of [
  ['SSD MobileNet v1', nets.ssdMobilenetv1, new faceapi.SsdMobilenetv1Options({ minConfidence: 0.3 }), false],
  ['tiny face detector', nets.tinyFaceDetector, new faceapi.TinyFaceDetectorOptions(), true],
]) {
  const report = await compareBackends(
    `face-api: ${name}`,
    async () => {
      const landmarks = tiny ? nets.faceLandmark68TinyNet : nets.faceLandmark68Net;
      const used = [detector, landmarks, nets.faceExpressionNet, nets.ageGenderNet, nets.faceRecognitionNet];
      for (const net of used) await net.loadFromDisk(folder);
      const pictures = [people(1, 2)];
      const compute = async () => {
        const results = [];
        for (const picture of pictures)
          results.push(
            await faceapi
              .detectAllFaces(picture, options)
              .withFaceLandmarks(tiny)
              .withFaceExpressions()
              .withAgeAndGender()
              .withFaceDescriptors(),
          );
        return results
          .flat()
          .map(({ detection, landmarks: points, expressions, age, gender, descriptor }) => ({
            detection: [
              detection.score,
              detection.box.x,
              detection.box.y,
              detection.box.width,
              detection.box.height,
            ],
            points: points.positions.flatMap(({ x, y }) => [x, y]),
            expressions: Object.values(expressions),
            age,
            gender,
            descriptor,
          }));
      };
      return {
        compute,
        dispose: () => {
          for (const net of used) net.dispose();
          tf.dispose(pictures);
        },
      };
    },
    { tolerance: 2e-2 },
  );
  if (!report.ok) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
